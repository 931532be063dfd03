import * as z from 'zod';
import {
  architectureSchema,
  imageSchema,
  instanceTypeSchema,
  locationSchema,
  offerSchema,
} from '../../../model/cloud.ts';
import { cloudWordSchema } from '../../../model/identifiers.ts';
import { connectionParams } from './connections.ts';
import { numeric, pageOf, pageQuery, route } from './route.ts';

const flag = z.enum(['true', 'false']).transform((text) => text === 'true');

export const catalogueRoutes = [
  route({
    operationId: 'listLocations',
    method: 'GET',
    path: '/v1/namespaces/{namespace}/connections/{connection}/locations',
    handler: 'catalogue',
    summary: 'List locations, with coordinates and zones. With a filter, a page may be short',
    needs: 'viewer',
    params: connectionParams,
    query: pageQuery.extend({
      available: flag
        .optional()
        .describe(
          '`true`: only available locations. `false`: only locations that are down, or that the cloud no longer has.',
        ),
      country: z.string().length(3).optional().describe('ISO 3166-1 alpha-3'),
    }),
    status: 200,
    response: pageOf(locationSchema),
  }),
  route({
    operationId: 'listInstanceTypes',
    method: 'GET',
    path: '/v1/namespaces/{namespace}/connections/{connection}/instance-types',
    handler: 'catalogue',
    summary: 'List instance types. With a filter, a page may be short or empty and still have a cursor',
    needs: 'viewer',
    params: connectionParams,
    query: pageQuery.extend({
      gpu: flag.optional().describe('`true`: only types with a GPU. `false`: only types without a GPU.'),
      architecture: architectureSchema.optional(),
      minVcpus: numeric(z.number().positive()).optional(),
      minMemoryGb: numeric(z.number().positive()).optional(),
    }),
    status: 200,
    response: pageOf(instanceTypeSchema),
  }),
  route({
    operationId: 'listOffers',
    method: 'GET',
    path: '/v1/namespaces/{namespace}/connections/{connection}/offers',
    handler: 'catalogue',
    summary: 'List offers: instance types at locations, with price and availability',
    needs: 'viewer',
    params: connectionParams,
    query: pageQuery.extend({
      location: cloudWordSchema.optional(),
      zone: cloudWordSchema.optional(),
      instanceType: cloudWordSchema.optional(),
      available: flag
        .optional()
        .describe('`true`: only available offers. `false`: only offers that are sold out or withdrawn.'),
      maxUsdPerHour: numeric(z.number().positive())
        .optional()
        .describe('Leaves out offers above this price, and offers without a price.'),
    }),
    status: 200,
    response: pageOf(offerSchema),
  }),
  route({
    operationId: 'listImages',
    method: 'GET',
    path: '/v1/namespaces/{namespace}/connections/{connection}/images',
    handler: 'catalogue',
    summary: 'List images',
    needs: 'viewer',
    params: connectionParams,
    query: pageQuery.extend({
      location: cloudWordSchema.optional(),
      name: cloudWordSchema.optional(),
      architecture: architectureSchema.optional(),
      available: flag
        .optional()
        .describe('`true`: only available images. `false`: only images that the cloud no longer has.'),
    }),
    status: 200,
    response: pageOf(imageSchema),
  }),
] as const;
