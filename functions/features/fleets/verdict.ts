import type { NodeGroup } from '../../model/fleet.ts';
import type { FailurePolicy } from '../../model/fleet-request.ts';
import type { FleetStatus, InstanceStatus } from '../../model/status.ts';
import { lostIn } from '../../platform/store/counters.ts';
import type { PlacementItem } from '../../platform/store/placements.ts';

/** What the failure policy needs to know about a fleet's request: its policy, size and minimums. */
export interface Aim {
  failurePolicy: FailurePolicy;
  requested: number;
  minimumInstances?: number | undefined;
  nodeGroups: readonly Pick<NodeGroup, 'name' | 'size' | 'minimumInstances'>[];
}

type Tally = Pick<PlacementItem, 'counts' | 'groups'>;

/**
 * Returns true if a fleet that is being launched has already failed. The fleet has failed if a minimum can no
 * longer be reached. Without a minimum, the fleet has failed as soon as one instance has failed permanently.
 * Pure.
 *
 * @param round the current round; only its failures count, because instances that failed in an earlier round
 *   are attempted again
 */
export function hasFailed(aim: Aim, placements: readonly Tally[], round: number): boolean {
  const lost = new Map(aim.nodeGroups.map(({ name }) => [name, countOf(placements, name, lostIn(round))]));
  const all = [...lost.values()].reduce((sum, count) => sum + count, 0);
  if (aim.minimumInstances !== undefined && aim.requested - all < aim.minimumInstances) return true;
  return aim.nodeGroups.some(({ name, size, minimumInstances }) => {
    const ofGroup = lost.get(name) ?? 0;
    if (minimumInstances !== undefined) return size - ofGroup < minimumInstances;
    return aim.minimumInstances === undefined && ofGroup > 0;
  });
}

/**
 * Returns true if further launches cannot change the verdict, and launching may stop. Under `rollback`, this
 * is true if the fleet has failed. Under the other policies, it is true if a minimum can no longer be
 * reached. Pure.
 */
export function isDecided(aim: Aim, placements: readonly Tally[], round: number): boolean {
  if (aim.failurePolicy === 'rollback') return hasFailed(aim, placements, round);
  const minimumsOnly = {
    ...aim,
    minimumInstances: aim.minimumInstances ?? 0,
  };
  return hasFailed(minimumsOnly, placements, round);
}

/** Result of the failure policy, applied when no instance is being launched any more. */
export type Verdict =
  | { status: FleetStatus; next: 'none' }
  /** Remove everything. */
  | { next: 'rollback' }
  /** Remove the failed instances, and the resources that only these instances needed. */
  | { next: 'refine' };

/**
 * Applies the failure policy to the outcome of the launches. Pure.
 *
 * @param aborted true if the user stopped the launches
 */
export function verdictOf(aim: Aim, placements: readonly Tally[], aborted: boolean): Verdict {
  const enough = reachesMinimums(aim, placements);
  if (aim.failurePolicy === 'rollback' && (aborted || !enough)) return { next: 'rollback' };
  if (countOfAll(placements, 'Running') === aim.requested) return { status: 'Running', next: 'none' };
  // No instance has failed. Some instances ran and are Undefined now, because the cloud no longer reports
  // their state. These may run again.
  if (total(placements) === aim.requested) return { status: 'PartiallyRunning', next: 'none' };
  if (aim.failurePolicy === 'refine') return { next: 'refine' };
  return { status: keepsGoing(aim, placements) ? 'PartiallyRunning' : 'Failed', next: 'none' };
}

/**
 * Returns a fleet's status after its failed instances were removed: Running if at least one instance is left
 * and all minimums are reached; otherwise Failed. Pure.
 */
export function statusWhenRefined(aim: Aim, placements: readonly Tally[]): FleetStatus {
  return keepsGoing(aim, placements) ? 'Running' : 'Failed';
}

/**
 * Returns a settled fleet's status after instances were lost, stopped or started outside, or run again. An instance
 * that exists and does not run, for example a stopped one, is missing, and is no failure. Pure.
 *
 * @param acceptedMissing number of missing instances that the latest refine accepted
 */
export function statusNow(aim: Aim, placements: readonly Tally[], acceptedMissing: number): FleetStatus {
  const missing = missingAmong(aim, placements);
  if (missing <= acceptedMissing) return statusWhenRefined(aim, placements);
  return keepsGoing(aim, placements) || standsStill(aim, placements) ? 'PartiallyRunning' : 'Failed';
}

/** Counts the requested instances that do not run. An instance that reboots counts as running. */
export function missingAmong(aim: Pick<Aim, 'requested'>, placements: readonly Tally[]): number {
  return aim.requested - countOfAll(placements, 'Running') - countOfAll(placements, 'Rebooting');
}

/** Returns true if the minimums are reached as soon as the stopped instances are started again. */
function standsStill(aim: Aim, placements: readonly Tally[]): boolean {
  const all = placements.map(({ counts, groups }) => ({
    counts: withStopped(counts),
    groups: Object.fromEntries(Object.entries(groups).map(([name, of]) => [name, withStopped(of)])),
  }));
  return keepsGoing(aim, all);
}

const STOPPED = ['Suspending', 'Suspended', 'Resuming', 'Rebooting'] as const;

function withStopped<Counts extends Readonly<Record<string, number | undefined>>>(counts: Counts): Counts {
  const stopped = STOPPED.reduce((sum, status) => sum + (counts[status] ?? 0), 0);
  return { ...counts, Running: (counts['Running'] ?? 0) + stopped };
}

/**
 * Returns true if enough instances run for the fleet's minimum and for the minimum of each node group. If the
 * fleet has no minimum, all instances of each node group without a minimum must run.
 */
function reachesMinimums(aim: Aim, placements: readonly Tally[]): boolean {
  if (total(placements) < (aim.minimumInstances ?? 0)) return false;
  return aim.nodeGroups.every(({ name, size, minimumInstances }) => {
    const least = minimumInstances ?? (aim.minimumInstances === undefined ? size : 0);
    return upIn(placements, name) >= least;
  });
}

/**
 * Returns true if at least one instance runs, and all minimums are reached. Instances in Undefined count as
 * running.
 */
function keepsGoing(aim: Aim, placements: readonly Tally[]): boolean {
  if (total(placements) < Math.max(1, aim.minimumInstances ?? 0)) return false;
  return aim.nodeGroups.every(({ name, minimumInstances = 0 }) => upIn(placements, name) >= minimumInstances);
}

/**
 * Counts instances that run, and instances in Undefined. An instance in Undefined has run, and is not a
 * failure.
 */
function total(placements: readonly Tally[]): number {
  return countOfAll(placements, 'Running') + countOfAll(placements, 'Undefined');
}

function upIn(placements: readonly Tally[], group: string): number {
  return countOf(placements, group, 'Running') + countOf(placements, group, 'Undefined');
}

function countOfAll(placements: readonly Tally[], status: InstanceStatus): number {
  return placements.reduce((sum, { counts }) => sum + (counts[status] ?? 0), 0);
}

function countOf(placements: readonly Tally[], group: string, counter: string): number {
  return placements.reduce((sum, { groups }) => sum + (groups[group]?.[counter] ?? 0), 0);
}
