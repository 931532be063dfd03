import { LOOK_INTERVAL_MS, SHORTEST_LOOK_MS } from '../../platform/store/loops.ts';

/** Where the fastest is seen to take less than this, how long it took is known badly, beside how often was looked. */
const QUICK_MS = 3_000;
/** Where even the machine that was asked for last is later than this, closer looks would see no more. */
const STALLED_MS = 60_000;
/** What was seen running had been so for a while. */
const SEEN_LATE_MS = 500;

export interface Awaited {
  /** Whether launches stand in line for what the instances being created hold. */
  isWaitedFor: boolean;
  /** When the calls of those went out, or go out, that hold slots and do not run yet. */
  startsMs: readonly number[];
  /** The shortest time from a call to Running of those seen at this place; absent: none was seen yet. */
  fastestMs?: number | undefined;
}

/**
 * When to look again: where slots are waited for, as soon as the first of those that hold them may run, by how long it
 * took others, or each second at a quick place. Where no launch waits, at the usual interval; at a quick place first after
 * a second, then the later, the longer they take. At the usual interval, too, where nothing has come up for a minute beyond
 * that.
 */
export function nextLookMs({ isWaitedFor, startsMs, fastestMs = 0 }: Awaited, nowMs: number): number {
  if (startsMs.length === 0) return LOOK_INTERVAL_MS;
  if (nowMs - Math.max(...startsMs) > fastestMs + STALLED_MS) return LOOK_INTERVAL_MS;
  const leftMs = Math.min(...startsMs) + fastestMs - SEEN_LATE_MS - nowMs;
  if (isWaitedFor) return isQuick(fastestMs) ? SHORTEST_LOOK_MS : within(leftMs);
  return fastestMs > 0 && isQuick(fastestMs) ? within(Math.abs(leftMs)) : LOOK_INTERVAL_MS;
}

const isQuick = (fastestMs: number): boolean => fastestMs < QUICK_MS;

const within = (waitMs: number): number => Math.min(LOOK_INTERVAL_MS, Math.max(SHORTEST_LOOK_MS, waitMs));

/**
 * How long a machine took from its call to Running, as far as two looks tell. Where they are far apart, what was seen
 * running may have been so for long: it counts as quick if it may have been, so that closer looks find out. Undefined
 * where it was called for after the earlier look.
 *
 * @param lookedAtMs when the earlier look saw that it did not run yet
 */
export function bootBetween(startMs: number, lookedAtMs: number, seenAtMs: number): number | undefined {
  const leastMs = lookedAtMs - startMs;
  if (leastMs <= 0) return undefined;
  return isQuick(leastMs) ? leastMs : seenAtMs - startMs;
}

/** A place may grow slower: what was once the fastest is forgotten bit by bit. */
const FORGETTING = 1.05;

/** The fastest boot, with those seen now. */
export function fastestOf(known: number | undefined, bootsMs: readonly number[]): number | undefined {
  if (bootsMs.length === 0) return known;
  const seenMs = Math.max(0, Math.min(...bootsMs));
  return known === undefined ? seenMs : Math.min(seenMs, known * FORGETTING);
}
