import { launchToken } from '../../model/identifiers.ts';
import { counterWrite, countRequested, countStatus, countStepFrom, noChange } from './counters.ts';
import type { AttemptItem, InstanceItem } from './instances.ts';
import { instanceKey } from './keys.ts';
import type { Store } from './store.ts';
import { transactWrite } from './transact.ts';
import { instanceWrite, type StatusChange, stepOf, unchanged } from './transition.ts';

/**
 * Moves an instance without a machine to another location of its node group, where its next attempt is Planned. The
 * record and both placements' counters change in one transaction, and only while the new placement accepts launches.
 *
 * @param earlierAttempts the attempts so far, including the one that has just ended
 * @returns `barred`: launching is not on at the new placement, or its network could not be created; `lost`: the record
 * has
 *   changed since it was read
 */
export async function moveInstance(
  store: Store<'fleets'>,
  record: InstanceItem,
  location: string,
  earlierAttempts: AttemptItem[],
): Promise<'moved' | 'barred' | 'lost'> {
  const { fleetId, connectionKey } = record;
  const leaving = noChange();
  countStatus(leaving, record, record.status, -1);
  countRequested(leaving, -1);
  const arriving = noChange();
  countStatus(arriving, record, 'Planned', 1);
  countRequested(arriving, 1);
  const next = plannedAt(record, location, earlierAttempts);
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
  ]);
  if (refusals.length === 0) return 'moved';
  return refusals.some(({ at }) => at === 2) ? 'lost' : 'barred';
}

/**
 * Reopens a record whose machine shows up at a location that the instance has left. The record and both placements'
 * counters change in one transaction, unless the instance's removal was requested.
 *
 * @param location where the machine is
 * @param secondsSinceCreation age of the fleet, for the cost counters
 * @returns `stopped`: launching has ended at the placement; `lost`: the record has changed since it was read
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
  ]);
  if (refusals.length === 0) return 'returned';
  return refusals.some(({ at }) => at === 0) ? 'stopped' : 'lost';
}

/**
 * Returns the instance's record before its next attempt, without the fields of the last attempt. The record is not in
 * the index `bySite`.
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
    launchToken: launchToken(instanceId, record.attempt),
    launchState: 'refused',
    claimUntilMs: 0,
    refusals: 0,
    earlierAttempts,
    deadlineAtMs,
    ...(record.taskToken === undefined ? {} : { taskToken: record.taskToken }),
    launchedAt,
    microUsdPerHour: record.microUsdPerHour,
  };
}
