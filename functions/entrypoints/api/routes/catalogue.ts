import { z } from 'zod';
import {
  architectureSchema,
  imageSchema,
  instanceTypeSchema,
  locationSchema,
  offerSchema,
} from '../../../model/cloud.ts';
import { cloudWordSchema } from '../../../model/identifiers.ts';
import { connectionParams } from './connections.ts';
import { pageOf, pageQuery, route } from './route.ts';

const flag = z.enum(['true', 'false']).transform((text) => text === 'true');

export const catalogueRoutes = [
  route({
    operationId: 'listLocations',
    method: 'GET',
    path: '/v1/namespaces/{namespace}/connections/{connection}/locations',
    handler: 'catalogue',
    summary: 'List locations, with coordinates and zones. A filtered page may be short',
    params: connectionParams,
    query: pageQuery.extend({
      available: flag.optional().describe('false: those that are down, or that the cloud no longer has'),
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
    summary: 'List instance types. A filtered page may be short, even empty, and still have a cursor',
    params: connectionParams,
    query: pageQuery.extend({
      gpu: flag.optional().describe('with a GPU, or without'),
      architecture: architectureSchema.optional(),
      minVcpus: z.coerce.number().positive().optional(),
      minMemoryGb: z.coerce.number().positive().optional(),
    }),
    status: 200,
    response: pageOf(instanceTypeSchema),
  }),
  route({
    operationId: 'listOffers',
    method: 'GET',
    path: '/v1/namespaces/{namespace}/connections/{connection}/offers',
    handler: 'catalogue',
    summary: 'List what is offered where, at which price',
    params: connectionParams,
    query: pageQuery.extend({
      location: cloudWordSchema.optional(),
      zone: cloudWordSchema.optional(),
      instanceType: cloudWordSchema.optional(),
      available: flag.optional().describe('false: sold out, or no longer offered'),
      maxUsdPerHour: z.coerce.number().positive().optional().describe('those without a price left out'),
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
    params: connectionParams,
    query: pageQuery.extend({
      location: cloudWordSchema.optional(),
      name: cloudWordSchema.optional(),
      architecture: architectureSchema.optional(),
      available: flag.optional().describe('false: those that the cloud no longer has'),
    }),
    status: 200,
    response: pageOf(imageSchema),
  }),
] as const;
