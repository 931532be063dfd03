import { z } from 'zod';

/** How fast one kind of call may go out at one site, by the limit profile. */
export interface RateLimit {
  perSecond: number;
  burst: number;
  /** Between two calls, however much of the burst is left. */
  spacingMs?: number;
}

/**
 * One kind of call at one site: a virtual schedule (GCRA), equal to a token bucket, whose rate follows what the cloud
 * bears: less after each throttle, then slowly more.
 */
export const callStateSchema = z.object({
  /** When the next call would be due if all went out evenly; never more than the burst ahead of the last. */
  nextDueMs: z.number(),
  /** The cloud throttled us: nothing goes out before this. */
  blockedUntilMs: z.number(),
  lastStartMs: z.number().optional(),
  /** Like `nextDueMs`, of the calls alone that have gone out, each counted when it did. */
  goneDueMs: z.number().optional(),
  /** At this time the cloud had no call left for us: after a throttle. */
  emptyAtMs: z.number().optional(),
  /** The part of the profile's rate that the cloud bore at `sinceMs`; absent: all of it. */
  slowed: z.object({ multiplier: z.number().positive(), sinceMs: z.number() }).optional(),
});
export type CallState = z.infer<typeof callStateSchema>;

export const IDLE_CALLS: CallState = { nextDueMs: 0, blockedUntilMs: 0 };

/** A throttle halves the rate, down to this part of the profile's. */
const SLOWED_BY = 2;
const LEAST_MULTIPLIER = 1 / 64;
/** Each second without a throttle gives back this part of the profile's rate: from half to all of it in 200 s. */
const RECOVERED_PER_SECOND = 1 / 400;

/**
 * The cloud counts a call when it arrives, we when we permit it: a late one may stand closer to the next than we
 * believe. So much of the burst is kept back for that.
 */
const LATENESS_MS = 200;

/** Whose time is as near as this may go out: the queue's delays are whole seconds. */
const NOW_MS = 100;

/** Whether a call that may go out then may as well go out now. */
export const isNow = (startMs: number, nowMs: number): boolean => startMs <= nowMs + NOW_MS;

/** The part of the profile's rate that goes out now, from 0 to 1. */
export function rateMultiplier({ slowed }: Pick<CallState, 'slowed'>, nowMs: number): number {
  if (!slowed) return 1;
  const seconds = Math.max(0, nowMs - slowed.sinceMs) / 1_000;
  return Math.min(1, slowed.multiplier + seconds * RECOVERED_PER_SECOND);
}

/**
 * The next `count` calls, each with the time at which it may go out, as early as pace, burst and throttles allow.
 *
 * @returns the times in order, the first ones perhaps now, and the state in which they are spoken for
 */
export function scheduleCalls(
  state: CallState,
  rateLimit: RateLimit,
  nowMs: number,
  count: number,
): { startsMs: number[]; state: CallState } {
  const { intervalMs, aheadMs } = stepsOf(state, rateLimit, nowMs);
  const startsMs: number[] = [];
  let { lastStartMs } = state;
  const goneDueMs = goneDue(state, aheadMs);
  let nextDueMs = Math.max(state.nextDueMs, goneDueMs);
  for (let call = 0; call < count; call += 1) {
    const spacedMs = rateLimit.spacingMs === undefined ? 0 : (lastStartMs ?? 0) + rateLimit.spacingMs;
    const startMs = Math.max(nowMs, nextDueMs - aheadMs, state.blockedUntilMs, spacedMs);
    startsMs.push(startMs);
    nextDueMs = Math.max(nextDueMs, startMs) + intervalMs;
    lastStartMs = startMs;
  }
  const isSlowed = rateMultiplier(state, nowMs) < 1;
  const { slowed, emptyAtMs, ...rest } = state;
  return {
    startsMs,
    state: {
      ...rest,
      nextDueMs,
      ...(emptyAtMs === undefined ? {} : { goneDueMs }),
      ...(emptyAtMs !== undefined && count === 0 ? { emptyAtMs } : {}),
      ...(lastStartMs === undefined ? {} : { lastStartMs }),
      ...(slowed && isSlowed ? { slowed } : {}),
    },
  };
}

/**
 * Counts a call that goes out now, by a permit whose time has come. That may have been long ago, and others may come
 * with it: the cloud keeps nothing for calls that are late once its bucket is full.
 *
 * @returns undefined where the cloud would throttle it: it needs another time
 */
export function sendCall<State extends CallState>(
  state: State,
  rateLimit: RateLimit,
  nowMs: number,
): State | undefined {
  const { exactMs, aheadMs } = stepsOf(state, rateLimit, nowMs);
  const goneDueMs = goneDue(state, aheadMs);
  if (!isNow(Math.max(goneDueMs - aheadMs, state.blockedUntilMs), nowMs)) return undefined;
  return { ...state, goneDueMs: Math.max(goneDueMs, nowMs) + exactMs };
}

function goneDue({ goneDueMs = 0, emptyAtMs }: CallState, aheadMs: number): number {
  return Math.max(goneDueMs, emptyAtMs === undefined ? 0 : emptyAtMs + aheadMs);
}

interface Steps {
  /** Between two calls: at the rate, and as they are spaced. */
  exactMs: number;
  intervalMs: number;
  /** By how much calls may be ahead of that. */
  aheadMs: number;
}

function stepsOf(state: CallState, rateLimit: RateLimit, nowMs: number): Steps {
  const multiplier = rateMultiplier(state, nowMs);
  const exactMs = 1_000 / (rateLimit.perSecond * multiplier);
  const burst = Math.max(1, rateLimit.burst * multiplier);
  const latenessMs = Math.min(exactMs, LATENESS_MS);
  // With nothing of a burst to keep back, calls stand further apart instead.
  if (burst < 2) return { exactMs, intervalMs: exactMs + latenessMs, aheadMs: 0 };
  return { exactMs, intervalMs: exactMs, aheadMs: Math.max(0, (burst - 1) * exactMs - latenessMs) };
}

/** What the cloud told when it throttled a call. */
export interface Throttle {
  /** When the call went out. Calls that were on their way together are throttled together, and slow down once. */
  calledAtMs: number;
  retryAfterMs?: number | undefined;
  /** The part of the profile's rate that the cloud says it bears. */
  toldMultiplier?: number | undefined;
}

/**
 * After a throttle: half the rate, or what the cloud says that it bears, and nothing before the cloud's own time, or a
 * second where it told none; the cloud's bucket is empty then.
 */
export function slowCalls<State extends CallState>(
  state: State,
  nowMs: number,
  { calledAtMs, retryAfterMs, toldMultiplier }: Throttle,
): State {
  const untilMs = nowMs + Math.max(250, retryAfterMs ?? 1_000);
  // What is called before then was permitted by the rate before.
  const isNews = calledAtMs >= (state.slowed ? Math.max(state.slowed.sinceMs, state.blockedUntilMs) : 0);
  const slowed = isNews
    ? {
        multiplier: Math.min(
          1,
          Math.max(LEAST_MULTIPLIER, toldMultiplier ?? rateMultiplier(state, nowMs) / SLOWED_BY),
        ),
        sinceMs: nowMs,
      }
    : state.slowed;
  const blockedUntilMs = Math.max(state.blockedUntilMs, untilMs);
  return { ...state, blockedUntilMs, emptyAtMs: blockedUntilMs, ...(slowed ? { slowed } : {}) };
}
