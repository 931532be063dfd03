import { isUncounted, type OrphanReason } from '../../model/orphan.ts';
import type { HoldItem, HoldState } from '../../platform/store/sweep-holds.ts';

const DAY_MS = 86_400_000;
const LEAST = 5;
const SHARE = 0.05;

/** A machine or volume that a sweep is about to remove. */
export interface Removal {
  backendId: string;
  firstSeenAtMs: number;
  /** True if an earlier sweep has already requested this removal. */
  isAskedFor: boolean;
}

/** Returns true if a removal for this reason counts towards the daily limit. */
export function counts(kind: string, reason: OrphanReason): boolean {
  return (kind === 'instance' || kind === 'volume') && !isUncounted(reason);
}

/**
 * Returns the maximum number of machines that sweeps may remove at a site in 24 hours.
 *
 * @param ours number of machines at the site that records claim
 */
export function mostPerDay(ours: number): number {
  return Math.max(LEAST, Math.floor(ours * SHARE));
}

/**
 * Decides which machines may be removed now. Pure.
 *
 * A machine that was admitted in the last 24 hours is admitted again without being counted again. A machine
 * whose removal was already requested is admitted and not counted. The same is true of a machine that was
 * first seen before an operator last continued the sweeps.
 *
 * If more machines are counted than the daily limit allows, the machines above the limit wait, and the site
 * gets a hold. During a hold, no further counted machine is admitted. The hold ends when an operator
 * continues the sweeps, or when no machine waits any more.
 */
export function admit(
  item: HoldItem,
  wanted: readonly Removal[],
  most: number,
  nowMs: number,
): { state: HoldItem | undefined; answer: { admitted: ReadonlySet<string>; hold: HoldState | undefined } } {
  const recent = item.removals.filter(({ atMs }) => atMs + DAY_MS > nowMs);
  const known = new Set(recent.map(({ backendId }) => backendId));
  const { continuedAtMs = Number.NEGATIVE_INFINITY } = item;
  const isFree = ({ backendId, firstSeenAtMs, isAskedFor }: Removal) =>
    isAskedFor || known.has(backendId) || firstSeenAtMs <= continuedAtMs;
  const counted = wanted
    .filter((one) => !isFree(one))
    .toSorted((one, other) => one.firstSeenAtMs - other.firstSeenAtMs);
  const room = item.hold ? 0 : Math.max(0, most - recent.length);
  const added = counted.slice(0, room);
  const waiting = counted.length - added.length;
  const hold = waiting > 0 ? holdOf(item.hold, waiting, most, nowMs) : undefined;
  const admitted = new Set([...wanted.filter(isFree), ...added].map(({ backendId }) => backendId));
  const isSame = added.length === 0 && hold?.waiting === item.hold?.waiting;
  const { hold: _, ...rest } = item;
  const removals = [...recent, ...added.map(({ backendId }) => ({ backendId, atMs: nowMs }))];
  return {
    state: isSame ? undefined : { ...rest, removals, ...(hold && { hold }) },
    answer: { admitted, hold },
  };
}

function holdOf(known: HoldState | undefined, waiting: number, most: number, nowMs: number): HoldState {
  const message = `sweeps remove at most ${most} machines and volumes at this location in 24 hours, and ${waiting} more wait: check them with "fleetwright orphans list", then continue the sweeps with "fleetwright orphans continue"`;
  return known ? { ...known, waiting, message } : { because: 'cap', sinceMs: nowMs, waiting, message };
}

/**
 * Returns the item of a hold after an operator continued the sweeps. All machines that were first seen at or
 * before `nowMs` may be removed, and the count starts again at zero.
 */
export function continued({ hold, ...item }: HoldItem, nowMs: number): HoldItem {
  const restores = hold?.restores === undefined ? {} : { restoresContinued: hold.restores };
  return { ...item, ...restores, removals: [], continuedAtMs: nowMs };
}
