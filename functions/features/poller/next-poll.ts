import { POLL_INTERVAL_MS, SHORTEST_POLL_MS } from '../../platform/store/loops.ts';

/**
 * A site is quick if its fastest machine boots within this time. The usual poll interval is too long to measure that.
 */
const QUICK_MS = 3_000;
/** If even the youngest machine is overdue by more than this, faster polls would show nothing new. */
const STALLED_MS = 60_000;
/** Polling lags: an instance has been running up to this long before a poll sees it. */
const SEEN_LATE_MS = 500;

export interface Awaited {
  /** True if queued launches wait for slots that instances in Creating hold. */
  isWaitedFor: boolean;
  /** Start times of the create calls, past or scheduled, whose instances hold slots and do not run yet. */
  startsMs: readonly number[];
  /** The shortest time from create call to Running at this site. Absent: not measured yet. */
  fastestMs?: number | undefined;
}

/**
 * Returns the delay of the next poll.
 *
 * While launches wait for slots, the delay lasts until the first slot holder may run, by the fastest boot; at a quick
 * site it is one second. While no launch waits, the delay is the usual interval. At a quick site it is about a second
 * when the first machine is due, and grows while that machine is overdue. It is the usual interval again when even the
 * youngest machine is a minute later than the fastest boot.
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
 * Returns the time from a machine's create call to Running, as precisely as two polls can tell it. If the polls are far
 * apart, the machine may have run for long. It then counts as quick, and faster polls measure the next ones. Undefined
 * if the call was made after the earlier poll.
 *
 * @param polledAtMs time of the earlier poll, which saw that the machine did not run yet
 */
export function bootBetween(startMs: number, polledAtMs: number, seenAtMs: number): number | undefined {
  const leastMs = polledAtMs - startMs;
  if (leastMs <= 0) return undefined;
  return isQuick(leastMs) ? leastMs : seenAtMs - startMs;
}

/** Factor by which the stored boot time grows with each boot, because a site may become slower. */
const FORGETTING = 1.05;

/** Returns the shortest boot time, including those seen now. */
export function fastestOf(known: number | undefined, bootsMs: readonly number[]): number | undefined {
  if (bootsMs.length === 0) return known;
  const seenMs = Math.max(0, Math.min(...bootsMs));
  return known === undefined ? seenMs : Math.min(seenMs, known * FORGETTING);
}
