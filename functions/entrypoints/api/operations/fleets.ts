import { z } from 'zod';
import { actOnFleet, requestTermination } from '../../../features/fleets/actions.ts';
import { type AcceptDeps, acceptFleet } from '../../../features/fleets/create-fleet.ts';
import { listFleets, readFleet } from '../../../features/fleets/fleet-view.ts';
import { inspectRefused } from '../../../features/fleets/resolve-request.ts';
import { validateFleet } from '../../../features/fleets/validate-fleet.ts';
import { awaitInstance } from '../../../features/instances/await-instance.ts';
import { listInstances, readInstance } from '../../../features/instances/instance-view.ts';
import type { Fleet } from '../../../model/fleet.ts';
import type { FleetAction } from '../../../model/fleet-action.ts';
import { type FleetRequest, fleetOfOne } from '../../../model/fleet-request.ts';
import { fleetIdSchema, instanceId } from '../../../model/identifiers.ts';
import type { FleetStatus } from '../../../model/status.ts';
import type { Warning } from '../../../model/warning.ts';
import { readFleetItem, readSpec } from '../../../platform/store/fleets.ts';
import { findFleetByName } from '../../../platform/store/new-fleet.ts';
import type { Store } from '../../../platform/store/store.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import type { Inspection, OperationsOf } from '../handle.ts';
import { deploymentEnding, type FieldError, notFound, Problem, refuse } from '../problem.ts';
import { requireNamespace } from '../require-namespace.ts';

export interface FleetDeps extends AcceptDeps {
  store: AcceptDeps['store'] & Store<'governor'>;
  /** Number of requests that may wait for an instance at a time. */
  waitingRequests: number;
}

export function fleetOperations(deps: FleetDeps): OperationsOf<'fleets'> {
  const { store } = deps;
  const idOf = async (namespace: string, idOrName: string): Promise<string> => {
    const isId = fleetIdSchema.safeParse(idOrName).success;
    if (isId && (await readFleetItem(store, idOrName))?.namespace === namespace) return idOrName;
    const fleetId = await findFleetByName(store, namespace, idOrName);
    if (!fleetId) throw notFound(`fleet ${idOrName}`);
    return fleetId;
  };
  const view = async (namespace: string, fleetId: string): Promise<Fleet> => {
    const fleet = await readFleet(store, namespace, fleetId);
    if (!fleet) throw notFound(`fleet ${fleetId}`);
    return fleet;
  };
  const terminate = async (namespace: string, fleetId: string): Promise<Fleet> => {
    if (!(await requestTermination(deps, namespace, fleetId))) throw notFound(`fleet ${fleetId}`);
    return await view(namespace, fleetId);
  };
  return {
    async createFleet({ params: { namespace }, body, idempotencyKey }) {
      const fleetId = await accept(deps, namespace, body, idempotencyKey, (error) => error);
      return {
        body: { ...(await view(namespace, fleetId)), warnings: await warningsOf(store, fleetId) },
        headers: { location: `/v1/namespaces/${namespace}/fleets/${fleetId}` },
      };
    },
    async validateFleet({ params: { namespace }, body }) {
      await requireNamespace(store, namespace);
      const { errors, warnings } = await validateFleet(store, namespace, body);
      refuse(errors);
      return { body: { warnings } };
    },
    async listFleets({ params: { namespace }, query: { limit, cursor } }) {
      const after = decodeCursor(cursor, /^f[0-9a-z]{16}$/);
      await requireNamespace(store, namespace);
      const page = await listFleets(store, namespace, { limit, cursor: after });
      return { body: { items: page.items, cursor: encodeCursor(page.cursor) } };
    },
    async getFleet({ params: { namespace, fleet } }) {
      return { body: await view(namespace, await idOf(namespace, fleet)) };
    },
    async deleteFleet({ params: { namespace, fleet } }) {
      return { body: await terminate(namespace, await idOf(namespace, fleet)) };
    },
    async actOnFleet({ params: { namespace, fleet }, body }) {
      const fleetId = await idOf(namespace, fleet);
      const answer = await actOnFleet(deps, namespace, fleetId, body);
      switch (answer.outcome) {
        case 'accepted':
          return { body: await view(namespace, fleetId) };
        case 'not-found':
          throw notFound(`fleet ${fleet}`);
        case 'deployment-ending':
          throw deploymentEnding(`${body.action} is not possible`, answer.since);
        case 'illegal':
          throw illegal(body.action, answer);
      }
    },
    async listInstances({ params: { namespace, fleet }, query: { cursor, limit, ...filter } }) {
      const position = decodeCursor(cursor, /^[0-9]{1,5}$/);
      const from = position === undefined ? undefined : Number(position);
      const fleetId = await idOf(namespace, fleet);
      const page = await listInstances(store, namespace, fleetId, { limit, cursor: from, ...filter });
      if (!page) throw notFound(`fleet ${fleet}`);
      return { body: { items: page.items, cursor: encodeCursor(page.cursor) } };
    },
    async createInstance({ params: { namespace }, body, idempotencyKey, waitSeconds }) {
      const fleetId = await accept(deps, namespace, fleetOfOne(body), idempotencyKey, ofInstance);
      const ref = { fleetId, index: 0 };
      const waited =
        waitSeconds && (await awaitInstance(store, ref, { seats: deps.waitingRequests, waitSeconds }));
      const id = instanceId(ref);
      const instance = await readInstance(store, namespace, id);
      if (!instance) throw notFound(`instance ${id}`);
      return {
        body: { ...instance, warnings: (await warningsOf(store, fleetId)).map(ofInstance) },
        headers: {
          location: `/v1/namespaces/${namespace}/instances/${id}`,
          ...(waited ? { 'preference-applied': `wait=${waited}` } : {}),
        },
      };
    },
    async getInstance({ params: { namespace, instance } }) {
      const found = await readInstance(store, namespace, instance);
      if (!found) throw notFound(`instance ${instance}`);
      return { body: found };
    },
    async deleteInstance({ params: { namespace, instance } }) {
      const found = await readInstance(store, namespace, instance);
      if (!found) throw notFound(`instance ${instance}`);
      const fleet = await view(namespace, found.fleetId);
      if (fleet.counts.requested > 1) {
        throw new Problem(
          'part-of-a-fleet',
          `instance ${instance} is one of ${fleet.counts.requested} in fleet ${fleet.name}: delete the whole fleet`,
        );
      }
      await terminate(namespace, found.fleetId);
      return { body: (await readInstance(store, namespace, instance)) ?? found };
    },
  };
}

/** Returns what the answer to the request of a fleet says about the request. */
async function warningsOf(store: Store<'fleets'>, fleetId: string): Promise<Warning[]> {
  return (await readSpec(store, fleetId)).warnings ?? [];
}

function illegal(
  action: FleetAction,
  { status, allowed }: { status: FleetStatus; allowed: FleetAction[] },
): Problem {
  const instead = allowed.length > 0 ? `it allows: ${allowed.join(', ')}` : 'it allows no action';
  return new Problem('illegal-action', `${action} is not possible while the fleet is ${status}; ${instead}`, {
    extra: { fleetStatus: status, allowed },
  });
}

/**
 * Returns checks for bodies that the schema refuses. These checks compare the valid fields with the
 * catalogue.
 */
export function fleetInspections(
  store: AcceptDeps['store'],
): Record<'createFleet' | 'validateFleet' | 'createInstance', Inspection> {
  return {
    createFleet: ({ namespace = '' }, body) => inspectRefused(store, namespace, body),
    validateFleet: ({ namespace = '' }, body) => inspectRefused(store, namespace, body),
    createInstance: async ({ namespace = '' }, body) => {
      const { name, location, ...group } = z.looseObject({}).safeParse(body).data ?? {};
      const fleet = { name, nodeGroups: [{ ...group, locations: [location] }] };
      return (await inspectRefused(store, namespace, fleet)).map(ofInstance);
    },
  };
}

/** Accepts a fleet request. @returns the fleet's id @throws Problem if the request is refused */
async function accept(
  deps: AcceptDeps,
  namespace: string,
  request: FleetRequest,
  idempotencyKey: string | undefined,
  inBody: (error: FieldError) => FieldError,
): Promise<string> {
  const within = await requireNamespace(deps.store, namespace);
  const accepted = await acceptFleet(deps, within, request, idempotencyKey);
  switch (accepted.outcome) {
    case 'created':
    case 'replayed':
      return accepted.fleetId;
    case 'name-taken':
      throw new Problem(
        'name-taken',
        `namespace ${namespace} already has a live fleet ${request.name}: choose another name`,
        {
          errors: [
            { pointer: '/name', code: 'duplicate', message: `is the name of fleet ${accepted.fleetId}` },
          ],
        },
      );
    case 'key-reused':
      throw new Problem(
        'idempotency-key-reused',
        'this Idempotency-Key was used with another body: use a new key for a new request',
      );
    case 'deployment-ending':
      throw deploymentEnding(`fleet ${request.name} was not created`, accepted.since);
    case 'refused':
      refuse(accepted.errors.map(inBody));
      throw new Error('the fleet request was refused without an error');
  }
}

/**
 * Translates the pointer of an error in a fleet's body to a pointer into the body of a request for one
 * instance. The body of such a request has the fields of the node group at its top level, and one location.
 */
function ofInstance({ pointer, ...error }: FieldError): FieldError {
  return {
    pointer: pointer.replace(/^\/nodeGroups\/0/, '').replace(/^\/locations\/0$/, '/location'),
    ...error,
  };
}
