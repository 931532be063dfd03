import { z } from 'zod';

/** Rate limit of one kind of call at one site, by the limit profile. */
export interface RateLimit {
  perSecond: number;
  burst: number;
  /** Minimum time between two calls, even if much of the burst is left. */
  spacingMs?: number;
}

/**
 * Schedules one kind of call at one site: a virtual schedule (GCRA), equivalent to a token bucket. Its rate falls after
 * each throttle and then rises slowly.
 */
export const callStateSchema = z.object({
  /**
   * Time at which the next call would be due if all calls were evenly spaced; at most the burst ahead of the last
   * start.
   */
  nextDueMs: z.number(),
  /** No call goes out before this, after a throttle. */
  blockedUntilMs: z.number(),
  lastStartMs: z.number().optional(),
  /**
   * As `nextDueMs`, but only of calls that have gone out. Each is counted at the time at which it went out.
   */
  goneDueMs: z.number().optional(),
  /**
   * Time at which the cloud's bucket is assumed to be empty: the end of the block after the last throttle.
   */
  emptyAtMs: z.number().optional(),
  /** Rate multiplier at `sinceMs`; absent: 1. */
  slowed: z.object({ multiplier: z.number().positive(), sinceMs: z.number() }).optional(),
});
export type CallState = z.infer<typeof callStateSchema>;

export const IDLE_CALLS: CallState = { nextDueMs: 0, blockedUntilMs: 0 };

/** A throttle divides the rate by `SLOWED_BY`, down to `LEAST_MULTIPLIER` of the profile's rate. */
const SLOWED_BY = 2;
const LEAST_MULTIPLIER = 1 / 64;
/** The multiplier rises by this each second without a throttle: from 0.5 to 1 in 200 s. */
const RECOVERED_PER_SECOND = 1 / 400;

/**
 * Part of the burst that is kept in reserve for late calls. The cloud counts a call when it arrives, the governor when
 * it permits it. A late call may therefore arrive closer to the next one than the governor assumes.
 */
const LATENESS_MS = 200;

/** A call that is due within this time may go out now: the message queue's delays are whole seconds. */
const NOW_MS = 100;

/** Returns true if a call with this start time may go out now. */
export const isNow = (startMs: number, nowMs: number): boolean => startMs <= nowMs + NOW_MS;

/** Returns the rate multiplier of this moment, from 0 to 1. */
export function rateMultiplier({ slowed }: Pick<CallState, 'slowed'>, nowMs: number): number {
  if (!slowed) return 1;
  const seconds = Math.max(0, nowMs - slowed.sinceMs) / 1_000;
  return Math.min(1, slowed.multiplier + seconds * RECOVERED_PER_SECOND);
}

/**
 * Schedules the next `count` calls, each as early as rate, burst, spacing and throttles allow it.
 *
 * @returns the start times in order, some perhaps now, and the state in which they are reserved
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
 * Counts a call that goes out now, under a permit whose time has come. The call may be late, and others may come with
 * it. The cloud reserves nothing for late calls once its bucket is full.
 *
 * @returns undefined if the cloud would throttle the call; it then needs another time
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
  /** Time between two calls by the rate alone. */
  exactMs: number;
  intervalMs: number;
  /** How far calls may be ahead of the even schedule. */
  aheadMs: number;
}

function stepsOf(state: CallState, rateLimit: RateLimit, nowMs: number): Steps {
  const multiplier = rateMultiplier(state, nowMs);
  const exactMs = 1_000 / (rateLimit.perSecond * multiplier);
  const burst = Math.max(1, rateLimit.burst * multiplier);
  const latenessMs = Math.min(exactMs, LATENESS_MS);
  // Without a burst, there is nothing to keep in reserve: calls are spaced further apart instead.
  if (burst < 2) return { exactMs, intervalMs: exactMs + latenessMs, aheadMs: 0 };
  return { exactMs, intervalMs: exactMs, aheadMs: Math.max(0, (burst - 1) * exactMs - latenessMs) };
}

/** A throttle, as the cloud reported it. */
export interface Throttle {
  /** Time at which the call went out. Calls that were under way together lower the rate only once. */
  calledAtMs: number;
  retryAfterMs?: number | undefined;
  /** Rate multiplier from the rate that the cloud says it accepts. */
  toldMultiplier?: number | undefined;
}

/**
 * Slows calls down after a throttle: to half the rate, or to the rate that the cloud says it accepts. No call goes out
 * before the time that the cloud states, or for a second if it states none. The cloud's bucket counts as empty then.
 */
export function slowCalls<State extends CallState>(
  state: State,
  nowMs: number,
  { calledAtMs, retryAfterMs, toldMultiplier }: Throttle,
): State {
  const untilMs = nowMs + Math.max(250, retryAfterMs ?? 1_000);
  // A call from before that time was permitted at the earlier rate. Its throttle tells nothing about the
  // present rate.
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
