import { SHORTEST_POLL_MS } from '../../platform/store/loops.ts';

/**
 * A site is quick if its fastest machine boots in less than this time, in ms. Polls at the usual interval are
 * too far apart to measure such a boot.
 */
const QUICK_MS = 3_000;
/**
 * Time in ms by which the machine of the latest create call may be overdue. After this time, the site is
 * polled at the usual interval, because faster polls would show nothing new.
 */
const STALLED_MS = 60_000;
/**
 * Margin, in ms, for the delay from the time at which a machine runs to the first poll that sees it running.
 */
const SEEN_LATE_MS = 500;

export interface Awaited {
  /** True if queued launches wait for slots of instances in Creating. */
  isWaitedFor: boolean;
  /** Start times of the create calls, past or scheduled, whose instances hold slots and do not run yet. */
  startsMs: readonly number[];
  /** The shortest time from create call to Running at this site. Absent: not measured yet. */
  fastestMs?: number | undefined;
}

/**
 * Returns the delay of the next poll in ms, from one second to the usual interval.
 *
 * While launches wait for slots, the delay ends when the first machine may run, according to the shortest
 * boot time. At a quick site, the delay is one second.
 *
 * While no launch waits, only a quick site is polled more often than usual. The delay is then the time until
 * the first machine may run. If that machine is overdue, the delay is the time by which the machine is
 * overdue.
 *
 * The delay is the usual interval if no create call is pending, or if even the latest machine is overdue by
 * STALLED_MS.
 *
 * @param intervalMs the usual interval: the driver's `statusPollSeconds` in ms
 */
export function nextPollMs(
  { isWaitedFor, startsMs, fastestMs = 0 }: Awaited,
  intervalMs: number,
  nowMs: number,
): number {
  const within = (waitMs: number) => Math.min(intervalMs, Math.max(SHORTEST_POLL_MS, waitMs));
  if (startsMs.length === 0) return intervalMs;
  if (nowMs - Math.max(...startsMs) > fastestMs + STALLED_MS) return intervalMs;
  const leftMs = Math.min(...startsMs) + fastestMs - SEEN_LATE_MS - nowMs;
  if (isWaitedFor) return isQuick(fastestMs) ? SHORTEST_POLL_MS : within(leftMs);
  return fastestMs > 0 && isQuick(fastestMs) ? within(Math.abs(leftMs)) : intervalMs;
}

const isQuick = (fastestMs: number): boolean => fastestMs < QUICK_MS;

/**
 * Estimates the time from a machine's create call to Running, in ms, from the times of two polls.
 *
 * Returns the minimum, which the earlier poll gives, if the minimum is below QUICK_MS. The site is then
 * polled more often, and later boots are measured more exactly. Otherwise returns the maximum, which the
 * later poll gives. Returns undefined if the create call was made after the earlier poll.
 *
 * @param polledAtMs time of the earlier poll, which saw that the machine did not run yet
 * @param seenAtMs time of the later poll, which saw the machine run
 */
export function bootBetween(startMs: number, polledAtMs: number, seenAtMs: number): number | undefined {
  const leastMs = polledAtMs - startMs;
  if (leastMs <= 0) return undefined;
  return isQuick(leastMs) ? leastMs : seenAtMs - startMs;
}

/**
 * The stored shortest boot time grows by this factor with each poll that measures boots, because a site may
 * become slower.
 */
const FORGETTING = 1.05;

/**
 * Returns the shortest boot time of a site in ms, from the stored boot time and the boots that this poll
 * measured.
 */
export function fastestOf(known: number | undefined, bootsMs: readonly number[]): number | undefined {
  if (bootsMs.length === 0) return known;
  const seenMs = Math.max(0, Math.min(...bootsMs));
  return known === undefined ? seenMs : Math.min(seenMs, known * FORGETTING);
}
