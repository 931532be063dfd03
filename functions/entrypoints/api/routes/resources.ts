import { z } from 'zod';
import { cloudWordSchema, nameSchema } from '../../../model/identifiers.ts';
import { networkRangesSchema, networkRemovalSchema, networkSchema } from '../../../model/network.ts';
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
import { resourceSchema, resourceStateSchema, volumeNameSchema } from '../../../model/resource.ts';
import { namespaceParams, noQuery, pageOf, pageQuery, route } from './route.ts';

const fleetSchema = nameSchema.describe('The id of a fleet, or the name of a live fleet.');
const networkNameSchema = z
  .string()
  .regex(/^[a-z0-9]{1,23}$/)
  .describe('The name of a network.');
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
    summary:
      'List the network resources of all fleets, then the disks that are kept. A page may be short or empty and still have a cursor',
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
    operationId: 'listNetworks',
    method: 'GET',
    path: '/v1/namespaces/{namespace}/networks',
    handler: 'resources',
    summary:
      'List the networks that the deployment has made: first those that fleets share. A page may be short and still have a cursor',
    params: namespaceParams,
    query: pageQuery.extend({
      connection: nameSchema.optional(),
      location: cloudWordSchema.optional(),
      unused: z.enum(['true', 'false']).optional().describe('true: only shared networks that no fleet uses.'),
    }),
    status: 200,
    response: pageOf(networkSchema),
  }),
  route({
    operationId: 'getNetwork',
    method: 'GET',
    path: '/v1/namespaces/{namespace}/networks/{network}',
    handler: 'resources',
    summary: 'Get a network, with the fleets that use it',
    params: namespaceParams.extend({ network: networkNameSchema }),
    query: noQuery,
    status: 200,
    response: networkSchema,
  }),
  route({
    operationId: 'removeNetworks',
    method: 'POST',
    path: '/v1/namespaces/{namespace}/networks/remove',
    handler: 'resources',
    summary: 'Remove the shared networks and security groups that no fleet uses, without their grace time',
    params: namespaceParams,
    query: noQuery,
    body: networkRemovalSchema,
    status: 202,
    response: z.object({
      removing: z.array(networkSchema).describe('The unused networks whose removal was requested.'),
    }),
  }),
  route({
    operationId: 'getNetworkRanges',
    method: 'GET',
    path: '/v1/namespaces/{namespace}/connections/{connection}/network-ranges',
    handler: 'resources',
    summary: 'Get the address ranges that are reserved for the shared networks of a connection',
    params: namespaceParams.extend({ connection: nameSchema }),
    query: noQuery,
    status: 200,
    response: networkRangesSchema,
  }),
  route({
    operationId: 'setNetworkRanges',
    method: 'PUT',
    path: '/v1/namespaces/{namespace}/connections/{connection}/network-ranges',
    handler: 'resources',
    summary:
      'Reserve the address ranges of the shared networks that are made next at the locations of a connection',
    params: namespaceParams.extend({ connection: nameSchema }),
    query: noQuery,
    body: networkRangesSchema,
    status: 200,
    response: networkRangesSchema,
  }),
  route({
    operationId: 'removeVolume',
    method: 'DELETE',
    path: '/v1/namespaces/{namespace}/volumes/{volume}',
    handler: 'resources',
    summary: 'Remove a disk that was kept when its machine was removed, with what is on it',
    params: namespaceParams.extend({ volume: volumeNameSchema }),
    query: noQuery,
    status: 202,
    response: resourceSchema,
    refusals: ['in-use'],
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
