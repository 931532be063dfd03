import { actOnFleet, requestTermination } from '../../../features/fleets/actions.ts';
import type { AcceptDeps } from '../../../features/fleets/create-fleet.ts';
import { listFleets, readFleet } from '../../../features/fleets/fleet-view.ts';
import { inspectRefused } from '../../../features/fleets/resolve-request.ts';
import { validateFleet } from '../../../features/fleets/validate-fleet.ts';
import { listInstances, readInstance } from '../../../features/instances/instance-view.ts';
import type { Caller } from '../../../model/caller.ts';
import type { Fleet } from '../../../model/fleet.ts';
import type { FleetAction } from '../../../model/fleet-action.ts';
import { fleetIdSchema } from '../../../model/identifiers.ts';
import { type FleetStatus, isGoing } from '../../../model/status.ts';
import type { Warning } from '../../../model/warning.ts';
import { readFleetItem, readSpec } from '../../../platform/store/fleets.ts';
import { chargeRemovals, runningCaps } from '../../../platform/store/key-caps.ts';
import { findFleetByName } from '../../../platform/store/new-fleet.ts';
import type { Store } from '../../../platform/store/store.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import type { Inspection, OperationsOf } from '../handle.ts';
import { capReached, deploymentEnding, notFound, Problem, refuse } from '../problem.ts';
import { requireNamespace } from '../require-namespace.ts';
import { accept } from './accept.ts';
import { type CreateInstanceDeps, createInstanceOperation, inspectInstances } from './create-instances.ts';

export type FleetDeps = CreateInstanceDeps;

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
  const terminate = async (
    namespace: string,
    fleetId: string,
    caller: Caller | undefined,
  ): Promise<Fleet> => {
    await countRemoval(store, caller, fleetId);
    if (!(await requestTermination(deps, namespace, fleetId))) throw notFound(`fleet ${fleetId}`);
    return await view(namespace, fleetId);
  };
  return {
    async createFleet({ params: { namespace }, body, idempotencyKey, caller }) {
      const { fleetId, ...replay } = await accept(deps, { namespace, request: body, idempotencyKey, caller });
      return {
        body: { ...(await view(namespace, fleetId)), warnings: await warningsOf(store, fleetId) },
        headers: { location: `/v1/namespaces/${namespace}/fleets/${fleetId}` },
        ...replay,
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
    async deleteFleet({ params: { namespace, fleet }, caller }) {
      return { body: await terminate(namespace, await idOf(namespace, fleet), caller) };
    },
    async actOnFleet({ params: { namespace, fleet }, body, caller }) {
      const fleetId = await idOf(namespace, fleet);
      if (REMOVING_ACTIONS.includes(body.action)) await countRemoval(store, caller, fleetId);
      if (LAUNCHING_ACTIONS.includes(body.action)) await refuseUncounted(store, caller, fleetId);
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
    createInstance: createInstanceOperation(deps),
    async getInstance({ params: { namespace, instance } }) {
      const found = await readInstance(store, namespace, instance);
      if (!found) throw notFound(`instance ${instance}`);
      return { body: found };
    },
    async deleteInstance({ params: { namespace, instance }, caller }) {
      const found = await readInstance(store, namespace, instance);
      if (!found) throw notFound(`instance ${instance}`);
      const fleet = await view(namespace, found.fleetId);
      if (fleet.counts.requested > 1) {
        throw new Problem(
          'part-of-a-fleet',
          `instance ${instance} is one of ${fleet.counts.requested} in fleet ${fleet.name}: delete the whole fleet`,
        );
      }
      await terminate(namespace, found.fleetId, caller);
      return { body: (await readInstance(store, namespace, instance)) ?? found };
    },
  };
}

/** Actions after which machines of the fleet may be removed that have not failed. */
const REMOVING_ACTIONS: readonly FleetAction[] = ['withdraw', 'abort'];

/**
 * Counts the removal of a fleet's machines for the caps of the caller, unless the removal has begun before.
 *
 * @throws Problem 403 if a cap would be exceeded
 */
async function countRemoval(
  store: Store<'fleets'>,
  caller: Caller | undefined,
  fleetId: string,
): Promise<void> {
  if (!caller?.caps?.length) return;
  const fleet = await readFleetItem(store, fleetId);
  if (fleet === undefined || isGoing(fleet.status)) return;
  const reached = await chargeRemovals(store, caller.caps, fleetId, fleet.requested);
  if (reached) throw capReached(reached);
}

/** Actions after which machines of the fleet may be launched. */
const LAUNCHING_ACTIONS: readonly FleetAction[] = ['release', 'retry'];

/**
 * Refuses to launch machines of a fleet that does not count for a cap of the caller on what runs. What a fleet counts for
 * never changes.
 *
 * @throws Problem 403
 */
async function refuseUncounted(
  store: Store<'fleets'>,
  caller: Caller | undefined,
  fleetId: string,
): Promise<void> {
  const running = runningCaps(caller?.caps ?? []);
  if (running.length === 0) return;
  const counted = (await readFleetItem(store, fleetId))?.capCharge?.keyIds ?? [];
  const missing = running.find(({ keyId }) => !counted.includes(keyId));
  if (!missing) return;
  throw new Problem(
    'cap-reached',
    `API key ${missing.keyId} has the cap maxTotalUsdPerHour, and did not make the fleet: use a key without this cap`,
  );
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
    createInstance: inspectInstances(store),
  };
}
