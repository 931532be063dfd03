import { launchToken } from '../../model/identifiers.ts';
import { counterWrite, countInstance, countRequested, countStepFrom, noChange } from './counters.ts';
import type { AttemptItem, InstanceItem } from './instances.ts';
import { instanceKey } from './keys.ts';
import { seatChanges, seatWrite } from './on-demand-seats.ts';
import type { Store } from './store.ts';
import { transactWrite } from './transact.ts';
import { instanceWrite, type StatusChange, stepOf, unchanged } from './transition.ts';

/**
 * Moves an instance without a machine to another location of its node group. Its status becomes Planned, because
 * another attempt follows there. The record and both placements' counters change in one transaction, and only if
 * launching is on at the new placement.
 *
 * @param earlierAttempts the attempts so far, including the one that has just ended
 * @returns `barred`: launching is not on at the new placement, or network resources could not be created there; `lost`:
 *   the record has changed since it was read
 */
export async function moveInstance(
  store: Store<'fleets'>,
  record: InstanceItem,
  location: string,
  earlierAttempts: AttemptItem[],
): Promise<'moved' | 'barred' | 'lost'> {
  const { fleetId, connectionKey } = record;
  const next = plannedAt(record, location, earlierAttempts);
  const leaving = noChange();
  countInstance(leaving, record, -1);
  countRequested(leaving, -1);
  const arriving = noChange();
  countInstance(arriving, next, 1);
  countRequested(arriving, 1);
  const refusals = await transactWrite(store, [
    counterWrite(store, { fleetId, connectionKey, location }, arriving, {
      openFor: record.round,
      unblocked: true,
    }),
    counterWrite(store, { fleetId, connectionKey, location: record.location }, leaving, 'there'),
    {
      Put: {
        TableName: store.tables.fleets,
        Item: { ...instanceKey(record), ...next },
        ...unchanged(record),
      },
    },
    // Another location begins with the first market, so that the move only gives a seat back.
    ...seatChanges([{ before: record, after: next }]).map((one) => seatWrite(store, one)),
  ]);
  if (refusals.length === 0) return 'moved';
  return refusals.some(({ at }) => at === 2) ? 'lost' : 'barred';
}

/** Fields of a record whose next attempt is at the same location. */
export type NextAttempt = Pick<
  InstanceItem,
  | 'triedZones'
  | 'callLimit'
  | 'calledAtMs'
  | 'usedTokens'
  | 'quotaTries'
  | 'instanceType'
  | 'market'
  | 'triedTypes'
  | 'onDemandSeats'
> &
  Partial<Pick<InstanceItem, 'tried'>>;

/**
 * Prepares another attempt of an instance without a machine at the same location, for example in another zone. Its
 * status becomes Planned. The record and the placement's counters change in one transaction, and only if launching is
 * on at the placement.
 *
 * @param next fields of the new record
 * @returns as `moveInstance`. `no-seat`: the next attempt would be on demand, and the node group may not have another
 *   on-demand instance
 */
export async function repeatInstance(
  store: Store<'fleets'>,
  record: InstanceItem,
  next: NextAttempt,
  earlierAttempts: AttemptItem[],
): Promise<'moved' | 'barred' | 'lost' | 'no-seat'> {
  const { fleetId, connectionKey, location, tried, quotaTries } = record;
  const { instanceType, market, triedTypes, onDemandSeats } = record;
  const planned: InstanceItem = {
    ...plannedAt(record, location, earlierAttempts),
    tried,
    ...(quotaTries === undefined ? {} : { quotaTries }),
    ...(instanceType === undefined ? {} : { instanceType }),
    ...(market === undefined ? {} : { market }),
    ...(triedTypes === undefined ? {} : { triedTypes }),
    ...(onDemandSeats === undefined ? {} : { onDemandSeats }),
    ...next,
  };
  const counters = noChange();
  countInstance(counters, record, -1);
  countInstance(counters, planned, 1);
  const refusals = await transactWrite(store, [
    counterWrite(store, { fleetId, connectionKey, location }, counters, { openFor: record.round }),
    {
      Put: {
        TableName: store.tables.fleets,
        Item: { ...instanceKey(record), ...planned },
        ...unchanged(record),
      },
    },
    ...seatChanges([{ before: record, after: planned }]).map((one) => seatWrite(store, one)),
  ]);
  if (refusals.length === 0) return 'moved';
  if (refusals.some(({ at }) => at === 1)) return 'lost';
  return refusals.some(({ at }) => at === 0) ? 'barred' : 'no-seat';
}

/**
 * Reopens a closed record after its machine has shown up at a location that the instance had left. The record and both
 * placements' counters change in one transaction. Nothing changes if the removal of the instance was requested.
 *
 * @param location where the machine is
 * @param secondsSinceCreation age of the fleet in seconds, for the cost counters
 * @returns `stopped`: launching has ended at the machine's location, or the node group may not have another on-demand
 *   instance; `lost`: the record has changed since it was read, or the removal was requested
 */
export async function returnInstance(
  store: Store<'fleets'>,
  change: StatusChange & { reopens: true },
  location: string,
  secondsSinceCreation: number,
): Promise<'returned' | 'stopped' | 'lost'> {
  const { fleetId, connectionKey, location: left } = change.record;
  const leaving = noChange();
  const arriving = noChange();
  countStepFrom(leaving, arriving, stepOf(change), secondsSinceCreation);
  countRequested(leaving, -1);
  countRequested(arriving, 1);
  const refusals = await transactWrite(store, [
    counterWrite(store, { fleetId, connectionKey, location }, arriving, 'not-ended'),
    counterWrite(store, { fleetId, connectionKey, location: left }, leaving, 'there'),
    instanceWrite(store, change, secondsSinceCreation, location),
    ...seatChanges([stepOf(change)]).map((one) => seatWrite(store, one)),
  ]);
  if (refusals.length === 0) return 'returned';
  if (refusals.some(({ at }) => at === 0)) return 'stopped';
  return refusals.some(({ at }) => at === 2) ? 'lost' : 'stopped';
}

/**
 * Returns the record of an instance that waits for its next attempt. It has none of the last attempt's fields, and is
 * not in the index `bySite`.
 */
function plannedAt(record: InstanceItem, location: string, earlierAttempts: AttemptItem[]): InstanceItem {
  const { instanceId, fleetId, index, namespace, nodeGroup, connectionKey, round, deadlineAtMs, launchedAt } =
    record;
  return {
    instanceId,
    fleetId,
    index,
    namespace,
    nodeGroup,
    connectionKey,
    location,
    status: 'Planned',
    round,
    attempt: record.attempt,
    tried: [...record.tried, record.location],
    triedZones: [],
    launchToken: launchToken(instanceId, record.attempt),
    launchState: 'refused',
    claimUntilMs: 0,
    refusals: 0,
    earlierAttempts,
    deadlineAtMs,
    launchedAt,
    microUsdPerHour: record.microUsdPerHour,
  };
}
