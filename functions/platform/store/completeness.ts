import type { InstanceStatus } from '../../model/status.ts';
import { endedIn, hasEnded, isMoving, MOVING } from './counters.ts';
import type { InstanceItem } from './instances.ts';
import type { PlacementItem } from './placements.ts';

/** Statuses of an instance that has been launched and has not ended. */
const LAUNCHED: readonly InstanceStatus[] = [
  'Running',
  'Suspending',
  'Suspended',
  'Resuming',
  'Rebooting',
  'Undefined',
];

type Tally = Pick<PlacementItem, 'launching' | 'round' | 'requested' | 'counts' | 'groups' | 'countsRounds'>;

/**
 * Returns true if no launch of the placement's round is left.
 *
 * While launching is on, each requested instance must have been launched, or have ended in this round. An instance that
 * ended in an earlier round is still to be launched. Where launching is not on, no instance is claimed any more, so no
 * instance may be in Creating or about to move. Pure.
 *
 * @returns undefined if the counters do not tell, because an earlier release opened the placement. `isCompleteBy` tells
 */
export function isComplete({
  launching,
  round,
  requested,
  counts,
  groups,
  countsRounds,
}: Tally): boolean | undefined {
  if (!countsRounds) return undefined;
  if (launching !== 'on') return (counts.Creating ?? 0) + inGroups(groups, MOVING) === 0;
  return settledCount({ round, counts, groups }) === requested;
}

/** Counts the instances of a placement that need no launch in its round. Pure. */
export function settledCount({ round, counts, groups }: Pick<Tally, 'round' | 'counts' | 'groups'>): number {
  const launched = LAUNCHED.reduce((sum, status) => sum + (counts[status] ?? 0), 0);
  return launched + inGroups(groups, endedIn(round));
}

function inGroups(groups: Tally['groups'], counter: string): number {
  return Object.values(groups).reduce((sum, group) => sum + (group[counter] ?? 0), 0);
}

/** As `isComplete`, by the records of all instances of the placement. Pure. */
export function isCompleteBy(
  { launching, round, requested }: Pick<PlacementItem, 'launching' | 'round' | 'requested'>,
  records: readonly Pick<InstanceItem, 'status' | 'closeAs' | 'round'>[],
): boolean {
  if (launching !== 'on') return !records.some((record) => record.status === 'Creating' || isMoving(record));
  return records.filter((record) => isSettledIn(round, record)).length === requested;
}

/** Returns true if an instance needs no launch in a round: it has been launched, or has ended in that round. Pure. */
export function isSettledIn(
  round: number,
  record: Pick<InstanceItem, 'status' | 'closeAs' | 'round'>,
): boolean {
  return LAUNCHED.includes(record.status) || (hasEnded(record) && record.round === round);
}
