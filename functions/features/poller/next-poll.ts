import { POLL_INTERVAL_MS, SHORTEST_POLL_MS } from '../../platform/store/loops.ts';

/** Below this, the interval of polls is too long to tell how fast machines boot. */
const QUICK_MS = 3_000;
/** Where even the youngest machine is later than this, faster polls would see no more. */
const STALLED_MS = 60_000;
/** Polling lags: an instance has been running up to this long before a poll sees it. */
const SEEN_LATE_MS = 500;

export interface Awaited {
  /** True if queued launches wait for slots that instances in Creating hold. */
  isWaitedFor: boolean;
  /** When the calls of those went out, or go out, that hold slots and do not run yet. */
  startsMs: readonly number[];
  /** The shortest time from a call to Running of those seen at this site; absent: none was seen yet. */
  fastestMs?: number | undefined;
}

/**
 * Returns when to poll again: where launches wait for slots, as soon as the first of those that hold them may run, by
 * how long it took others, or each second at a quick site. Where no launch waits, at the usual interval; at a quick
 * site first after a second, then the later, the longer they take. At the usual interval, too, where nothing has come
 * up for a minute beyond that.
 */
export function nextPollMs({ isWaitedFor, startsMs, fastestMs = 0 }: Awaited, nowMs: number): number {
  if (startsMs.length === 0) return POLL_INTERVAL_MS;
  if (nowMs - Math.max(...startsMs) > fastestMs + STALLED_MS) return POLL_INTERVAL_MS;
  const leftMs = Math.min(...startsMs) + fastestMs - SEEN_LATE_MS - nowMs;
  if (isWaitedFor) return isQuick(fastestMs) ? SHORTEST_POLL_MS : within(leftMs);
  return fastestMs > 0 && isQuick(fastestMs) ? within(Math.abs(leftMs)) : POLL_INTERVAL_MS;
}

const isQuick = (fastestMs: number): boolean => fastestMs < QUICK_MS;

const within = (waitMs: number): number => Math.min(POLL_INTERVAL_MS, Math.max(SHORTEST_POLL_MS, waitMs));

/**
 * Returns how long a machine took from its call to Running, as far as two polls tell. Where they are far apart, it may
 * have run for long: it counts as quick if it may have been, so that faster polls find out. Undefined where it was
 * called for after the earlier poll.
 *
 * @param polledAtMs when the earlier poll saw that it did not run yet
 */
export function bootBetween(startMs: number, polledAtMs: number, seenAtMs: number): number | undefined {
  const leastMs = polledAtMs - startMs;
  if (leastMs <= 0) return undefined;
  return isQuick(leastMs) ? leastMs : seenAtMs - startMs;
}

/** A site may grow slower: what was once the fastest is forgotten bit by bit. */
const FORGETTING = 1.05;

/** The fastest boot, with those seen now. */
export function fastestOf(known: number | undefined, bootsMs: readonly number[]): number | undefined {
  if (bootsMs.length === 0) return known;
  const seenMs = Math.max(0, Math.min(...bootsMs));
  return known === undefined ? seenMs : Math.min(seenMs, known * FORGETTING);
}
