import { z } from 'zod';
import { cloudWordSchema, nameSchema } from '../../../model/identifiers.ts';
import {
  continueRequestSchema,
  orphanKindSchema,
  orphanSchema,
  orphanStateSchema,
  resourceKindSchema,
  sweepHoldSchema,
  sweepIdSchema,
  sweepRequestSchema,
  sweepSchema,
} from '../../../model/orphan.ts';
import { resourceSchema, resourceStateSchema } from '../../../model/resource.ts';
import { namespaceParams, noQuery, pageOf, pageQuery, route } from './route.ts';

const fleetSchema = nameSchema.describe('The id of a fleet, or the name of a live fleet.');
const resourceQuery = pageQuery.extend({
  kind: resourceKindSchema.optional(),
  connection: nameSchema.optional(),
  location: cloudWordSchema.optional(),
  state: resourceStateSchema.optional(),
});

export const resourceRoutes = [
  route({
    operationId: 'listResources',
    method: 'GET',
    path: '/v1/namespaces/{namespace}/resources',
    handler: 'resources',
    summary: 'List the network resources of all fleets. A page may be short or empty and still have a cursor',
    params: namespaceParams,
    query: resourceQuery.extend({ fleet: fleetSchema.optional() }),
    status: 200,
    response: pageOf(resourceSchema),
  }),
  route({
    operationId: 'listFleetResources',
    method: 'GET',
    path: '/v1/namespaces/{namespace}/fleets/{fleet}/resources',
    handler: 'resources',
    summary: 'List the network resources of a fleet',
    params: namespaceParams.extend({ fleet: fleetSchema }),
    query: resourceQuery,
    status: 200,
    response: pageOf(resourceSchema),
  }),
  route({
    operationId: 'listOrphans',
    method: 'GET',
    path: '/v1/namespaces/{namespace}/orphans',
    handler: 'resources',
    summary:
      'List findings of sweeps: orphans and missing machines. A page may be short and still have a cursor',
    params: namespaceParams,
    query: pageQuery.extend({
      connection: nameSchema.optional(),
      location: cloudWordSchema.optional(),
      kind: orphanKindSchema.optional(),
      state: orphanStateSchema.optional(),
    }),
    status: 200,
    response: pageOf(orphanSchema),
  }),
  route({
    operationId: 'sweepOrphans',
    method: 'POST',
    path: '/v1/namespaces/{namespace}/orphans/sweep',
    handler: 'resources',
    summary: 'Sweep for orphans now. A dry run shows what a sweep would do, and changes nothing',
    params: namespaceParams,
    query: noQuery,
    body: sweepRequestSchema,
    status: 202,
    response: sweepSchema,
  }),
  route({
    operationId: 'getSweep',
    method: 'GET',
    path: '/v1/namespaces/{namespace}/orphans/sweeps/{sweep}',
    handler: 'resources',
    summary: 'Get the progress and the findings of a sweep. They are kept for a day',
    params: namespaceParams.extend({ sweep: sweepIdSchema }),
    query: noQuery,
    status: 200,
    response: sweepSchema,
  }),
  route({
    operationId: 'listSweepHolds',
    method: 'GET',
    path: '/v1/namespaces/{namespace}/orphans/holds',
    handler: 'resources',
    summary:
      'List the holds of sweeps, with the reasons. Under a hold, sweeps remove no machines until an operator continues the sweeps',
    params: namespaceParams,
    query: pageQuery.extend({ connection: nameSchema.optional() }),
    status: 200,
    response: pageOf(sweepHoldSchema),
  }),
  route({
    operationId: 'continueSweeps',
    method: 'POST',
    path: '/v1/namespaces/{namespace}/orphans/continue',
    handler: 'resources',
    summary:
      'Continue sweeps that wait for an operator. The sweeps may remove the orphans found so far. The audit log records this',
    params: namespaceParams,
    query: noQuery,
    body: continueRequestSchema,
    status: 200,
    response: z.object({ continued: z.array(sweepHoldSchema) }),
  }),
] as const;
