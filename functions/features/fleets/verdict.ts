import type { NodeGroup } from '../../model/fleet.ts';
import type { FailurePolicy } from '../../model/fleet-request.ts';
import type { FleetStatus } from '../../model/status.ts';
import { lostIn } from '../../platform/store/counters.ts';
import type { PlacementItem } from '../../platform/store/placements.ts';

/** What a fleet was asked to be, as far as its failure policy looks at it. */
export interface Aim {
  failurePolicy: FailurePolicy;
  requested: number;
  minimumInstances?: number | undefined;
  nodeGroups: readonly Pick<NodeGroup, 'name' | 'size' | 'minimumInstances'>[];
}

type Tally = Pick<PlacementItem, 'counts' | 'groups'>;

/**
 * Whether a fleet has failed already, while it is being launched: a minimum that cannot be reached any more, or an
 * instance that failed for good where nobody said how few are enough. Pure.
 *
 * @param round whose failures count: instances that failed in an earlier one are attempted again
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
 * Whether nothing more is to be launched, since no further instance can change what comes of the fleet: under
 * `rollback` once it has failed; under the others once a minimum is out of reach. Pure.
 */
export function isDecided(aim: Aim, placements: readonly Tally[], round: number): boolean {
  if (aim.failurePolicy === 'rollback') return hasFailed(aim, placements, round);
  const minimumsOnly = {
    ...aim,
    minimumInstances: aim.minimumInstances ?? 0,
  };
  return hasFailed(minimumsOnly, placements, round);
}

/** What follows when nothing is being launched any more. */
export type Verdict =
  | { status: FleetStatus; next: 'none' }
  /** Everything goes. */
  | { next: 'rollback' }
  /** What failed goes, and what only that needed. */
  | { next: 'refine' };

/** Applies the failure policy to what came of the launches. @param aborted the user wants no more of it. Pure. */
export function verdictOf(aim: Aim, placements: readonly Tally[], aborted: boolean): Verdict {
  const enough = reachesMinimums(aim, placements);
  if (aim.failurePolicy === 'rollback' && (aborted || !enough)) return { next: 'rollback' };
  if (countOfAll(placements, 'Running') === aim.requested) return { status: 'Running', next: 'none' };
  // Nothing has failed: some of what ran the cloud cannot tell of now, and it may run again.
  if (total(placements) === aim.requested) return { status: 'PartiallyRunning', next: 'none' };
  if (aim.failurePolicy === 'refine') return { next: 'refine' };
  return { status: keepsGoing(aim, placements) ? 'PartiallyRunning' : 'Failed', next: 'none' };
}

/** What a fleet is after its failed instances are gone: whole, if smaller, or below its minimum. Pure. */
export function statusWhenRefined(aim: Aim, placements: readonly Tally[]): FleetStatus {
  return keepsGoing(aim, placements) ? 'Running' : 'Failed';
}

/** What a settled fleet is once instances are back that were lost. @param isRefined what failed was put away. Pure. */
export function statusWhenBack(aim: Aim, placements: readonly Tally[], isRefined: boolean): FleetStatus {
  if (countOfAll(placements, 'Running') === aim.requested) return 'Running';
  if (isRefined) return statusWhenRefined(aim, placements);
  return keepsGoing(aim, placements) ? 'PartiallyRunning' : 'Failed';
}

/** As many run as were asked for, or as few as were said to be enough. */
function reachesMinimums(aim: Aim, placements: readonly Tally[]): boolean {
  if (total(placements) < (aim.minimumInstances ?? 0)) return false;
  return aim.nodeGroups.every(({ name, size, minimumInstances }) => {
    const least = minimumInstances ?? (aim.minimumInstances === undefined ? size : 0);
    return upIn(placements, name) >= least;
  });
}

/** Something runs, and no minimum is missed. */
function keepsGoing(aim: Aim, placements: readonly Tally[]): boolean {
  if (total(placements) < Math.max(1, aim.minimumInstances ?? 0)) return false;
  return aim.nodeGroups.every(({ name, minimumInstances = 0 }) => upIn(placements, name) >= minimumInstances);
}

/** Instances that run, or that ran and of which the cloud cannot tell now: the latter are no failures. */
function total(placements: readonly Tally[]): number {
  return countOfAll(placements, 'Running') + countOfAll(placements, 'Undefined');
}

function upIn(placements: readonly Tally[], group: string): number {
  return countOf(placements, group, 'Running') + countOf(placements, group, 'Undefined');
}

function countOfAll(placements: readonly Tally[], status: 'Running' | 'Undefined'): number {
  return placements.reduce((sum, { counts }) => sum + (counts[status] ?? 0), 0);
}

function countOf(placements: readonly Tally[], group: string, counter: string): number {
  return placements.reduce((sum, { groups }) => sum + (groups[group]?.[counter] ?? 0), 0);
}
