import type { CloudInstance } from '../../drivers/contract/driver.ts';
import { type InstanceRef, parseInstanceId } from '../../model/identifiers.ts';
import { type InstanceItem, readInstances } from '../../platform/store/instances.ts';
import { returnInstance } from '../../platform/store/move.ts';
import { readNetworkRecords, reopenNetwork } from '../../platform/store/networks.ts';
import { readPlacement } from '../../platform/store/placements.ts';
import type { StatusChange } from '../../platform/store/transition.ts';
import type { OpenConnection, SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import { reviewLater } from '../../platform/worker/review-later.ts';
import { startPolling } from '../../platform/worker/start-polling.ts';
import { noteReturned } from '../findings/vanished-machines.ts';
import { endAwait } from '../fleets/await-launches.ts';
import { reviewFleet } from '../fleets/review-fleet.ts';
import { rejoinNetworks } from '../networks/join.ts';
import { wantedNetworks } from '../networks/wanted.ts';
import { isBoundTo, proofTerms, proveMachine } from '../ownership/prove-machine.ts';
import { mayReturn, returnOf } from '../ownership/returning.ts';
import { applyChanges, freeSlotsOf, secondsSinceCreation } from './outcomes.ts';

/** A change that reopens a closed record, with the location of its machine. */
type Reopening = StatusChange & { reopens: true; location: string };

/** A machine that vanished and has reappeared, with the record of its instance. */
export interface Returning {
  record: InstanceItem;
  machine: CloudInstance;
}

/**
 * Outcome for one machine.
 *
 * - `taken`: the machine's record is open again.
 * - `ended`: the machine's record stays closed, and a sweep has to remove the machine. Launching has ended for its fleet,
 *   or the machine is on demand and its node group has as many on-demand instances as it may have.
 * - `left`: the machine's record was not changed.
 */
export type Returned = 'taken' | 'ended' | 'left';

/**
 * Reopens the records of machines that vanished and have reappeared. A record stays closed if a user has
 * requested the instance's removal in the meantime; a condition of the write checks this.
 *
 * @returns outcomes by instance id
 */
export async function takeBack(
  context: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
  returning: readonly Returning[],
): Promise<Map<string, Returned>> {
  const outcomes = new Map<string, Returned>(
    returning.map(({ record }) => [record.instanceId, 'left'] as const),
  );
  const nowMs = context.store.clock.now();
  const reopenings = returning.flatMap(({ record, machine }): Reopening[] => {
    const found = returnOf(record, machine, nowMs);
    if (!found) return [];
    const { location, ...change } = found;
    return [{ kind: 'change', record, reopens: true, location, ...change }];
  });
  await reviewLater(context, reopenings);
  for (const fleetId of new Set(reopenings.map(({ record }) => record.fleetId)))
    await reopenNetworks(context, site, fleetId);
  const byFleet = Map.groupBy(reopenings, ({ record }) => record.fleetId);
  for (const ofFleet of byFleet.values()) {
    for (const [id, outcome] of await reopen(context, ofFleet)) outcomes.set(id, outcome);
  }
  const taken = reopenings.filter(({ record }) => outcomes.get(record.instanceId) === 'taken');
  if (taken.length === 0) return outcomes;
  for (const { record } of taken)
    context.log.info('a machine that had vanished exists again', { instanceId: record.instanceId });
  await endLaunches(context, site, taken);
  await noteReturned(
    context,
    site,
    opened,
    returning.filter(({ record }) => outcomes.get(record.instanceId) === 'taken'),
  );
  await startPolling(context, site);
  for (const fleetId of new Set(taken.map(({ record }) => record.fleetId))) {
    await reviewFleet(context.store, await context.layout(fleetId));
  }
  return outcomes;
}

/**
 * Reopens records of one fleet. Records whose instances are still at the machine's location are reopened
 * together. Each instance that has moved to another location is moved back by a separate write.
 */
async function reopen(
  context: WorkerContext,
  reopenings: readonly Reopening[],
): Promise<Map<string, Returned>> {
  const here = reopenings.filter(({ record, location }) => record.location === location);
  const { applied, stoppedByGate, withoutSeat } = await applyChanges(context, here);
  const outcomes = new Map<string, Returned>([
    ...applied.map((id) => [id, 'taken'] as const),
    ...withoutSeat.map((id) => [id, 'ended'] as const),
  ]);
  for (const { record } of stoppedByGate ? here : []) {
    if (!outcomes.has(record.instanceId)) outcomes.set(record.instanceId, 'ended');
  }
  for (const one of reopenings) {
    const { record, location } = one;
    if (record.location === location) continue;
    const seconds = secondsSinceCreation(context, record.fleetId);
    const outcome = await returnInstance(context.store, one, location, seconds);
    if (outcome !== 'lost') outcomes.set(record.instanceId, outcome === 'returned' ? 'taken' : 'ended');
  }
  return outcomes;
}

/**
 * Reopens the records of a fleet's network resources at the site, and makes the fleet a user of shared ones again. The
 * caller reopens the instances' records after that, because the removal of the fleet has to find the resources.
 */
async function reopenNetworks(context: WorkerContext, site: SiteRef, fleetId: string): Promise<void> {
  const records = await readNetworkRecords(context.store, { fleetId, ...site });
  for (const record of records) if (record.status === 'Gone') await reopenNetwork(context.store, record);
  const placement = await readPlacement(context.store, fleetId, site.connectionKey, site.location);
  // The fleet has ended at the site. Its machine is removed, and needs no network.
  if (!placement || placement.launching === 'ended') return;
  const { shared } = await wantedNetworks(context, fleetId, site);
  if (shared.length > 0) await rejoinNetworks(context, fleetId, site, shared);
}

/**
 * Gives back the slots of launches that are no longer needed, because the earlier machine exists again. These launches
 * may have been the last of their fleet.
 */
async function endLaunches(
  context: WorkerContext,
  site: SiteRef,
  taken: readonly Reopening[],
): Promise<void> {
  const awaited = taken.filter(({ record }) => record.status === 'Planned');
  const running = awaited.map(({ record, fields, to }) => ({ ...record, ...fields, status: to }));
  await freeSlotsOf(context, running, { at: site });
  for (const fleetId of new Set(taken.map(({ record }) => record.fleetId)))
    await endAwait(context, { fleetId, ...site }, []);
}

/**
 * Reopens the records of vanished instances whose machines exist again.
 *
 * @param machines machines that the cloud shows and that have no entry in the site's index
 */
export async function takeBackUnclaimed(
  context: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
  machines: readonly CloudInstance[],
  seenAtMs: number,
): Promise<void> {
  const refs = machines
    .map(({ instanceId }) => parseInstanceId(instanceId ?? ''))
    .filter((ref): ref is InstanceRef => ref !== undefined);
  if (refs.length === 0) return;
  const records = await readInstances(context.store, refs);
  const terms = proofTerms(context.driver, opened.client);
  const returning = machines.flatMap((machine): Returning[] => {
    const record = records.get(machine.instanceId ?? '');
    if (!record || !mayReturn(record, machine)) return [];
    const shown = { machine, location: site.location, atMs: seenAtMs };
    // Within the consistency window after the instance's end, a list may still show a machine that no longer
    // exists.
    const isNews = seenAtMs > Date.parse(record.terminatedAt ?? '') + context.driver.consistencyWindowMs;
    const isOurs = isBoundTo(record, shown, terms) || proveMachine(shown, record, terms) === 'proven';
    return isNews && isOurs ? [{ record, machine }] : [];
  });
  if (returning.length > 0) await takeBack(context, site, opened, returning);
}
