import type { EveryField } from '../../model/every-field.ts';
import type { Counts, Fleet } from '../../model/fleet.ts';
import { allowedActions } from '../../model/fleet-action.ts';
import { fleetCreatedAtMs } from '../../model/identifiers.ts';
import { INSTANCE_STATUSES, type InstanceStatus, isOver, isSettled } from '../../model/status.ts';
import { isoTime } from '../../platform/runtime/clock.ts';
import { type FleetItem, parseFleetItem } from '../../platform/store/fleets.ts';
import { listFleetIds } from '../../platform/store/list-fleets.ts';
import {
  costUsd,
  type PlacementItem,
  readFleetPartition,
  unclaimedCount,
  unpricedCounts,
} from '../../platform/store/placements.ts';
import type { Store } from '../../platform/store/store.ts';
import { actionFacts } from './action-facts.ts';
import { readStopped } from './read-stopped.ts';
import { readWaiting } from './read-waiting.ts';

/**
 * Reads a fleet with one query of one partition, and a bounded number of reads that tell why the fleet makes no
 * progress. The cost does not depend on the number of instances.
 *
 * @returns undefined if the namespace has no such fleet
 */
export async function readFleet(
  store: Store<'fleets' | 'access' | 'governor'>,
  namespace: string,
  fleetId: string,
): Promise<Fleet | undefined> {
  const { meta, placements } = await readFleetPartition(store, fleetId);
  if (meta === undefined) return undefined;
  const fleet = parseFleetItem(meta);
  if (fleet.namespace !== namespace) return undefined;
  const waiting = await readWaiting(store, fleet, placements);
  const view = fleetView(fleet, placements, store.clock.now());
  const stopped = await readStopped(store, fleet, view.counts);
  return { ...view, waiting, ...(stopped.length > 0 ? { stopped } : {}) };
}

async function readForList(
  store: Store<'fleets'>,
  namespace: string,
  fleetId: string,
): Promise<Fleet | undefined> {
  const { meta, placements } = await readFleetPartition(store, fleetId);
  if (meta === undefined) return undefined;
  const fleet = parseFleetItem(meta);
  return fleet.namespace === namespace ? fleetView(fleet, placements, store.clock.now()) : undefined;
}

/**
 * Returns a page of fleets, newest first. The cursor of the next page is the id of the last fleet on this
 * page.
 */
export async function listFleets(
  store: Store<'fleets'>,
  namespace: string,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Promise<{ items: Fleet[]; cursor: string | null }> {
  const { fleetIds, last } = await listFleetIds(store, namespace, { limit, after: cursor });
  const fleets = await Promise.all(fleetIds.map((fleetId) => readForList(store, namespace, fleetId)));
  return { items: fleets.filter((fleet) => fleet !== undefined), cursor: last ?? null };
}

/**
 * Returns the status that users see for instances that no launch has claimed. The status depends on the
 * fleet's status.
 */
export function unclaimedStatus({ status, acceptedMissing }: UnclaimedOf): InstanceStatus {
  // A refine gave up the instances that were missing then, even if the fleet has lost others since.
  if (acceptedMissing !== undefined && isSettled(status)) return 'Terminated';
  switch (status) {
    case 'Preparing':
    case 'Held':
    case 'Creating':
      return 'Planned';
    // A fleet that is Running without all of its instances was refined. The refine gave up the missing
    // instances.
    case 'Running':
    case 'Terminating':
    case 'Terminated':
    case 'RollingBack':
    case 'RolledBack':
      return 'Terminated';
    case 'PartiallyRunning':
    case 'Suspended':
    case 'Failed':
      return 'Failed';
  }
}

type UnclaimedOf = Pick<FleetItem, 'status' | 'acceptedMissing'>;

/** Builds a fleet's view from its item and the counters of its placements. Pure. */
export function fleetView(fleet: FleetItem, placements: readonly PlacementItem[], nowMs: number): Fleet {
  const byLocation = placements
    .filter(({ requested }) => requested > 0)
    .map((placement) => ({
      cloud: placement.cloud,
      connection: placement.connection,
      location: placement.location,
      network: placement.network,
      counts: countsOf(fleet, placement),
    }));
  const assigned = placements.reduce((sum, { requested }) => sum + requested, 0);
  const counts = addUp(byLocation.map((one) => one.counts));
  // Until the workflow's state Assign has opened all placements, some instances have no placement.
  const unassigned = fleet.requested - assigned;
  if (unassigned > 0) {
    const status = unclaimedStatus(fleet);
    counts[status] = (counts[status] ?? 0) + unassigned;
  }
  const unpriced = placements.map(unpricedCounts);
  const seconds = (nowMs - fleetCreatedAtMs(fleet.fleetId)) / 1_000;
  const ended = (counts.Running ?? 0) + (counts.Failed ?? 0);
  const view: EveryField<Fleet> = {
    id: fleet.fleetId,
    name: fleet.name,
    namespace: fleet.namespace,
    description: fleet.description,
    labels: fleet.labels,
    status: fleet.status,
    failurePolicy: fleet.failurePolicy,
    minimumInstances: fleet.minimumInstances,
    network: fleet.network,
    counts: { ...counts, requested: fleet.requested },
    byLocation,
    progress: Math.min(1, ended / fleet.requested),
    createdAt: fleet.createdAt,
    startedAt: fleet.startedAt,
    runningAt: fleet.runningAt,
    terminatedAt: fleet.terminatedAt,
    usdPerHour: placements.reduce((sum, { microUsdPerHour }) => sum + microUsdPerHour, 0) / 1e6,
    unpricedInstances: unpriced.reduce((sum, { now }) => sum + now, 0),
    unpricedDisks: unpriced.reduce((sum, { disks }) => sum + disks, 0) || undefined,
    uncostedInstances: unpriced.reduce((sum, { soFar }) => sum + soFar, 0),
    costUsd: placements.reduce((sum, placement) => sum + costUsd(placement, seconds), 0),
    sshKeyParameter: isOver(fleet.status) ? undefined : fleet.sshKeyParameter,
    failures: failuresOf(fleet, placements),
    errors: errorsOf(placements),
    waiting: undefined,
    stopped: undefined,
    shortfall: isSettled(fleet.status) ? fleet.requested - (counts.Running ?? 0) : undefined,
    heldUntil: fleet.heldUntilMs === undefined ? undefined : isoTime(fleet.heldUntilMs),
    allowedActions: allowedActions(actionFacts(fleet, placements)),
    warnings: undefined,
  };
  return view;
}

function countsOf(fleet: UnclaimedOf, placement: PlacementItem): Counts {
  const counts: Counts = { requested: placement.requested };
  const { Planned: _unclaimed, ...claimed } = placement.counts;
  for (const [name, count] of entriesOf(claimed)) if (count > 0) counts[name] = count;
  const unclaimed = unclaimedCount(placement);
  const as = unclaimedStatus(fleet);
  if (unclaimed > 0) counts[as] = (counts[as] ?? 0) + unclaimed;
  return counts;
}

function addUp(parts: readonly Counts[]): Counts {
  const sum: Counts = { requested: 0 };
  for (const part of parts) {
    sum.requested += part.requested;
    for (const [name, count] of entriesOf(part)) sum[name] = (sum[name] ?? 0) + count;
  }
  return sum;
}

function entriesOf(counts: PlacementItem['counts']): [InstanceStatus, number][] {
  return INSTANCE_STATUSES.flatMap((name) => (counts[name] === undefined ? [] : [[name, counts[name]]]));
}

function failuresOf(fleet: UnclaimedOf, placements: readonly PlacementItem[]): Fleet['failures'] {
  const failures = new Map<string, { count: number; example: string }>();
  const add = (code: string, count: number, example: string) => {
    const known = failures.get(code);
    failures.set(code, { count: (known?.count ?? 0) + count, example: known?.example ?? example });
  };
  for (const placement of placements) {
    for (const [code, count] of Object.entries(placement.failureCounts)) {
      if (count > 0) add(code, count, placement.failureExamples[code] ?? code);
    }
    const unclaimed = unclaimedCount(placement);
    if (unclaimed > 0 && unclaimedStatus(fleet) === 'Failed') {
      const { code, message } = placement.blocked ?? NOT_LAUNCHED;
      add(code, unclaimed, message);
    }
  }
  return [...failures].map(([code, { count, example }]) => ({ code, count, example }));
}

/** Returns what the clouds have found wrong in the request; undefined if they found nothing. */
function errorsOf(placements: readonly PlacementItem[]): Fleet['errors'] {
  const errors = placements.flatMap(({ blocked }) => blocked?.errors ?? []);
  const each = new Map(errors.map((one) => [`${one.pointer} ${one.code} ${one.message}`, one]));
  return each.size > 0 ? [...each.values()] : undefined;
}

/**
 * Failure that users see for an instance that no launch has claimed. If its placement has recorded a failure,
 * users see the recorded failure instead.
 */
export const NOT_LAUNCHED = {
  code: 'NotLaunched',
  message: 'provisioning ended before this instance was launched',
};
