import * as z from 'zod';
import { fleetSchema, instanceSchema } from '../../../model/fleet.ts';
import { fleetActionRequestSchema } from '../../../model/fleet-action.ts';
import { fleetRequestSchema, instanceRequestSchema } from '../../../model/fleet-request.ts';
import { cloudWordSchema, fleetIdSchema, instanceIdSchema, nameSchema } from '../../../model/identifiers.ts';
import { instanceListRequestSchema, isInstanceList } from '../../../model/instance-list.ts';
import { DEFAULT_FLEET_PAGE, MAX_FLEET_PAGE } from '../../../model/paging.ts';
import { instanceStatusSchema } from '../../../model/status.ts';
import { warningsSchema } from '../../../model/warning.ts';
import { namespaceParams, noQuery, numeric, pageOf, pageQuery, route } from './route.ts';

const fleetParams = namespaceParams.extend({
  fleet: nameSchema.describe('The id of a fleet, or the name of a live fleet.'),
});
const instanceParams = namespaceParams.extend({ instance: instanceIdSchema });

/** The answer to a request for a list of instances. */
export const instanceListSchema = z.object({
  fleetId: fleetIdSchema.describe('The fleet of all instances of the list. It is deleted as a whole.'),
  name: nameSchema.describe('Name of the fleet.'),
  items: z
    .array(
      instanceSchema.extend({
        href: z.string().describe('Path of the instance, as in a `Location` header.'),
      }),
    )
    .describe('The instances in the order of the request.'),
  warnings: warningsSchema,
});

export const fleetRoutes = [
  route({
    operationId: 'createFleet',
    method: 'POST',
    path: '/v1/namespaces/{namespace}/fleets',
    handler: 'fleets',
    summary: 'Create a fleet. The API answers when the request is recorded and the workflow is started',
    needs: 'operator',
    audited: { type: 'fleet.create', kind: 'fleet' },
    params: namespaceParams,
    query: noQuery,
    body: fleetRequestSchema,
    idempotent: true,
    status: 202,
    response: fleetSchema,
    refusals: ['cap-reached', 'name-taken', 'deployment-ending'],
  }),
  route({
    operationId: 'validateFleet',
    method: 'POST',
    path: '/v1/namespaces/{namespace}/fleet-validations',
    handler: 'fleets',
    summary:
      'Check a request for a fleet as if it were to be created, and create nothing. Errors are those of `createFleet`',
    needs: 'viewer',
    audited: null,
    params: namespaceParams,
    query: noQuery,
    body: fleetRequestSchema,
    status: 200,
    response: z.object({ warnings: warningsSchema }),
  }),
  route({
    operationId: 'listFleets',
    method: 'GET',
    path: '/v1/namespaces/{namespace}/fleets',
    handler: 'fleets',
    summary: 'List fleets, newest first, including fleets that have ended',
    needs: 'viewer',
    params: namespaceParams,
    query: pageQuery.extend({
      limit: numeric(z.int().min(1).max(MAX_FLEET_PAGE)).prefault(DEFAULT_FLEET_PAGE),
    }),
    status: 200,
    response: pageOf(fleetSchema),
  }),
  route({
    operationId: 'getFleet',
    method: 'GET',
    path: '/v1/namespaces/{namespace}/fleets/{fleet}',
    handler: 'fleets',
    summary: 'Get a fleet: counts by status and location, progress, cost so far and reasons of failures',
    needs: 'viewer',
    params: fleetParams,
    query: noQuery,
    status: 200,
    response: fleetSchema,
  }),
  route({
    operationId: 'deleteFleet',
    method: 'DELETE',
    path: '/v1/namespaces/{namespace}/fleets/{fleet}',
    handler: 'fleets',
    summary: 'Delete a fleet and everything that it created',
    needs: 'operator',
    audited: { type: 'fleet.delete', kind: 'fleet', param: 'fleet' },
    params: fleetParams,
    query: noQuery,
    status: 202,
    response: fleetSchema,
    refusals: ['cap-reached'],
  }),
  route({
    operationId: 'actOnFleet',
    method: 'POST',
    path: '/v1/namespaces/{namespace}/fleets/{fleet}/actions',
    handler: 'fleets',
    summary:
      'Hold, release, withdraw, abort, retry or refine a fleet. A repeated request for an action that is under way changes nothing',
    needs: 'operator',
    audited: { type: 'fleet.act', by: 'action', kind: 'fleet', param: 'fleet' },
    params: fleetParams,
    query: noQuery,
    body: fleetActionRequestSchema,
    status: 202,
    response: fleetSchema,
    refusals: ['cap-reached', 'illegal-action', 'deployment-ending'],
  }),
  route({
    operationId: 'listInstances',
    method: 'GET',
    path: '/v1/namespaces/{namespace}/fleets/{fleet}/instances',
    handler: 'fleets',
    summary:
      'List the instances of a fleet. With a filter, a page may be short or empty and still have a cursor',
    needs: 'viewer',
    params: fleetParams,
    query: pageQuery.extend({
      status: instanceStatusSchema.optional(),
      location: cloudWordSchema.optional(),
      connection: nameSchema.optional(),
      nodeGroup: nameSchema.optional(),
    }),
    status: 200,
    response: pageOf(instanceSchema),
  }),
  route({
    operationId: 'createInstance',
    method: 'POST',
    path: '/v1/namespaces/{namespace}/instances',
    handler: 'fleets',
    summary:
      'Create a single instance, which is a fleet of one with the same name, or up to 100 instances by one request, which are one fleet: all of them or none. With `Prefer: wait=25`, the answer comes when each instance runs or has failed, or after that many seconds',
    needs: 'operator',
    audited: { type: 'instance.create', kind: 'instance' },
    params: namespaceParams,
    query: noQuery,
    body: z.union([instanceRequestSchema, instanceListRequestSchema]),
    bodyOf: (json) => (isInstanceList(json) ? instanceListRequestSchema : instanceRequestSchema),
    idempotent: true,
    waits: true,
    status: 201,
    response: z.union([instanceListSchema, instanceSchema]),
    refusals: ['cap-reached', 'name-taken', 'deployment-ending'],
  }),
  route({
    operationId: 'getInstance',
    method: 'GET',
    path: '/v1/namespaces/{namespace}/instances/{instance}',
    handler: 'fleets',
    summary: 'Get an instance of any fleet',
    needs: 'viewer',
    params: instanceParams,
    query: noQuery,
    status: 200,
    response: instanceSchema,
  }),
  route({
    operationId: 'deleteInstance',
    method: 'DELETE',
    path: '/v1/namespaces/{namespace}/instances/{instance}',
    handler: 'fleets',
    summary: 'Delete a single instance. An instance of a larger fleet can only be deleted with its fleet',
    needs: 'operator',
    audited: { type: 'instance.delete', kind: 'instance', param: 'instance' },
    params: instanceParams,
    query: noQuery,
    status: 202,
    response: instanceSchema,
    refusals: ['cap-reached', 'part-of-a-fleet'],
  }),
] as const;
