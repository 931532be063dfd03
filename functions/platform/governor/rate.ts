import * as z from 'zod';
import { atOnceOf, isWindow, type Rate } from '../../model/rate.ts';

/** Rate limit of what a cloud meters at one site, from the limit profile: one kind of call, or machines. */
export type RateLimit = Rate & {
  /** Minimum time between two calls, even if much of the burst is left. */
  spacingMs?: number;
};

/**
 * State of the schedule of what a cloud meters at one site: one kind of call, or machines. The schedule uses the generic
 * cell rate algorithm (GCRA), which is equivalent to a token bucket. For a limit of fixed windows, the same time counts
 * the calls of a window: see `Steps`. The rate falls after each throttle and then rises slowly.
 */
export const callStateSchema = z.object({
  /**
   * Time of the next call in an even schedule (in GCRA: its theoretical arrival time). The burst allows a call to go
   * out earlier.
   */
  nextDueMs: z.number(),
  /** After a throttle, no call goes out before this time. */
  blockedUntilMs: z.number(),
  lastStartMs: z.number().optional(),
  /** Like `nextDueMs`, but computed only from calls that have gone out, and from the times at which they went out. */
  goneDueMs: z.number().optional(),
  /** Time at which a call was last counted in `goneDueMs`. */
  countedAtMs: z.number().optional(),
  /**
   * Calls that were counted at the end of a fixed window, and that the cloud may count in the next one, which begins at
   * `toMs`.
   */
  carried: z.object({ toMs: z.number(), count: z.int() }).optional(),
  /** Time at which the cloud's token bucket is assumed to be empty: `blockedUntilMs` as the last throttle set it. */
  emptyAtMs: z.number().optional(),
  /**
   * Factor by which the rate limit was multiplied at `sinceMs`. It rises after that. Absent: the whole rate limit
   * applies.
   */
  slowed: z
    .object({
      multiplier: z.number().positive(),
      sinceMs: z.number(),
      /** True if the multiplier is the rate that the cloud stated. It then rises more slowly. */
      isTold: z.boolean().optional(),
      /** Number of throttles since the cloud last accepted a call. Counted for creates only. */
      refusals: z.int().optional(),
    })
    .optional(),
});
export type CallState = z.infer<typeof callStateSchema>;

export const IDLE_CALLS: CallState = { nextDueMs: 0, blockedUntilMs: 0 };

/** A throttle divides the rate by `SLOWED_BY`, but not to less than `LEAST_MULTIPLIER` × the limit profile's rate. */
const SLOWED_BY = 2;
const LEAST_MULTIPLIER = 1 / 64;
/** The multiplier rises by this amount each second without a throttle: from 0.5 to 1 in 50 s. */
const RECOVERED_PER_SECOND = 1 / 100;
/** A multiplier that the cloud stated rises by this amount each second: from 0.5 to 1 in 200 s. */
const TOLD_RECOVERED_PER_SECOND = 1 / 400;
/**
 * Maximum pause after a throttle, if the cloud states no time. The pause doubles with each further throttle until the
 * cloud accepts a call.
 */
const MAX_PAUSE_MS = 4_000;
/** Throttles further apart than this say something about the rate, even if no accepted call is known in between. */
const IN_A_ROW_MS = 60_000;

/**
 * Time by which a burst is shortened, as a reserve for calls that arrive late. The cloud counts a call when the call
 * arrives, but the governor counts it when it gives the permit. A late call may therefore arrive closer to the next
 * call than the governor assumes. The cloud's token bucket may be full meanwhile. It then loses all tokens of this time,
 * which are several at a rate of more than 5 calls per second.
 */
const LATENESS_MS = 200;

/**
 * A call may go out this long before its start time, because the message queue can only delay messages by whole
 * seconds.
 */
const NOW_MS = 100;

/** Returns true if a call leaves so long after it was counted that the burst's reserve does not cover the delay. */
export const leavesLate = (countedAtMs: number, nowMs: number): boolean =>
  nowMs > countedAtMs + LATENESS_MS - NOW_MS;

/** Returns true if a call with this start time may go out now. */
export const isNow = (startMs: number, nowMs: number): boolean => startMs <= nowMs + NOW_MS;

/** Returns the rate multiplier at `nowMs`, from 0 to 1. */
export function rateMultiplier({ slowed }: Pick<CallState, 'slowed'>, nowMs: number): number {
  if (!slowed) return 1;
  const seconds = Math.max(0, nowMs - slowed.sinceMs) / 1_000;
  const perSecond = slowed.isTold ? TOLD_RECOVERED_PER_SECOND : RECOVERED_PER_SECOND;
  return Math.min(1, slowed.multiplier + seconds * perSecond);
}

/**
 * Schedules the next `count` calls, each as early as rate, burst, spacing and throttles allow.
 *
 * @param fromMs time before which no call may start, if that is later than `nowMs`
 * @returns the start times in order, none before `nowMs`, and the state in which these times are reserved
 */
export function scheduleCalls(
  state: CallState,
  rateLimit: RateLimit,
  nowMs: number,
  count: number,
  fromMs = nowMs,
): { startsMs: number[]; state: CallState } {
  const steps = stepsOf(state, rateLimit, nowMs);
  const startsMs: number[] = [];
  let { lastStartMs } = state;
  const goneDueMs = goneDue(state, steps, nowMs);
  let nextDueMs = Math.max(state.nextDueMs, goneDueMs);
  for (let call = 0; call < count; call += 1) {
    const spacedMs = rateLimit.spacingMs === undefined ? 0 : (lastStartMs ?? 0) + rateLimit.spacingMs;
    const readyMs = Math.max(nowMs, fromMs, state.blockedUntilMs, spacedMs);
    const startMs = earliestStart(steps, nextDueMs, nowMs, readyMs);
    startsMs.push(startMs);
    nextDueMs = dueAfter(steps, nextDueMs, startMs);
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
 * Counts a call that goes out now, under a permit whose start time has come. If several calls are late, all of them may
 * be ready at the same time. The cloud would throttle some of them, because its token bucket was full while the calls
 * were late, and a full bucket gains no tokens.
 *
 * @returns undefined if the cloud would throttle the call. The call then needs a later start time
 */
export function sendCall<State extends CallState>(
  state: State,
  rateLimit: RateLimit,
  nowMs: number,
): State | undefined {
  return isNow(nextSendMs(state, rateLimit, nowMs), nowMs) ? countCall(state, rateLimit, nowMs) : undefined;
}

/** Returns the earliest time at which a call under a permit may go out, by the calls that have gone out. */
export function nextSendMs(state: CallState, rateLimit: RateLimit, nowMs: number): number {
  const steps = stepsOf(state, rateLimit, nowMs);
  const readyMs = Math.max(nowMs, state.blockedUntilMs);
  return earliestStart(steps, goneDue(state, steps, nowMs), nowMs, readyMs);
}

/** Counts a call that goes out now, regardless of the rate. */
export function countCall<State extends CallState>(state: State, rateLimit: RateLimit, nowMs: number): State {
  const steps = stepsOf(state, rateLimit, nowMs);
  const goneDueMs = dueAfter(steps, goneDue(state, steps, nowMs), nowMs);
  const carried = steps.windowMs === undefined ? undefined : carry(state, steps.windowMs, nowMs);
  return { ...state, goneDueMs, countedAtMs: nowMs, ...(carried ? { carried } : {}) };
}

/** Calls that were counted, and leave later than they were counted. */
export interface LateCalls {
  /** Number of these calls that have not left. */
  count: number;
  countedAtMs: number;
}

/**
 * Counts calls again at the time at which they leave. The cloud's token bucket may have been full since they were
 * counted, and calls that were counted in the meantime may have emptied it. Calls that the cloud would throttle now stay
 * counted, and may leave later.
 *
 * @returns `sent`: number of calls that may leave now
 */
export function recountCalls<State extends CallState>(
  state: State,
  rateLimit: RateLimit,
  nowMs: number,
  late: LateCalls,
): { sent: number; state: State } {
  let known = uncountCalls(state, rateLimit, nowMs, late);
  let sent = 0;
  for (let next = sendCall(known, rateLimit, nowMs); next && sent < late.count; sent += 1) {
    known = next;
    next = sendCall(known, rateLimit, nowMs);
  }
  for (let kept = sent; kept < late.count; kept += 1) known = countCall(known, rateLimit, nowMs);
  return { sent, state: known };
}

/** Takes late calls out of the count, before they are counted at the time at which they leave. */
export function uncountCalls<State extends CallState>(
  state: State,
  rateLimit: RateLimit,
  nowMs: number,
  late: LateCalls,
): State {
  const steps = stepsOf(state, rateLimit, nowMs);
  return { ...state, goneDueMs: withoutLate(state, steps, nowMs, late) };
}

/**
 * Returns the largest number of units that may go out together, after a pause in which all of them came back. After a
 * throttle, this number is lower.
 */
export function mostTogether(state: CallState, rateLimit: RateLimit, nowMs: number): number {
  const { intervalMs, aheadMs, windowMs } = stepsOf(state, rateLimit, nowMs);
  return windowMs === undefined ? 1 + Math.floor(aheadMs / intervalMs) : Math.round(windowMs / intervalMs);
}

/** Returns the part of the burst, or of the window, that is left at `nowMs` by the governor's count: from 0 to 1. */
export function partLeft(state: CallState, rateLimit: RateLimit, nowMs: number): number {
  const steps = stepsOf(state, rateLimit, nowMs);
  const wholeMs = steps.windowMs ?? Math.max(1, atOnceOf(rateLimit)) * steps.intervalMs;
  const sinceMs = steps.windowMs === undefined ? nowMs : windowStart(steps.windowMs, nowMs);
  return 1 - Math.min(1, Math.max(0, goneDue(state, steps, nowMs) - sinceMs) / wholeMs);
}

/** Returns the due time of the calls that have gone out, as if the late ones had not been counted. */
function withoutLate(
  state: CallState,
  steps: Steps,
  nowMs: number,
  { count, countedAtMs }: LateCalls,
): number {
  const dueMs = goneDue(state, steps, nowMs);
  const countedMs = count * steps.intervalMs;
  if (steps.windowMs !== undefined) {
    const isSameWindow = windowStart(steps.windowMs, countedAtMs) === windowStart(steps.windowMs, nowMs);
    return isSameWindow ? dueMs - countedMs : dueMs;
  }
  // If other calls were counted since, they were counted too early by up to the delay of the late calls.
  const areLast = (state.countedAtMs ?? 0) <= countedAtMs;
  const delayMs = areLast ? 0 : Math.min(nowMs - countedAtMs, countedMs);
  return dueMs - countedMs + delayMs;
}

function goneDue(
  { goneDueMs = 0, emptyAtMs, carried }: CallState,
  { intervalMs, aheadMs, windowMs }: Steps,
  nowMs: number,
): number {
  // A throttle says that the window is used up. The next one is full again.
  if (windowMs !== undefined) {
    return carried && nowMs >= carried.toMs
      ? Math.max(goneDueMs, carried.toMs + carried.count * intervalMs)
      : goneDueMs;
  }
  return emptyAtMs === undefined ? goneDueMs : Math.max(goneDueMs, emptyAtMs + aheadMs);
}

/** Counts a call for the next window, too, if it may arrive there. */
function carry({ carried }: CallState, windowMs: number, nowMs: number): CallState['carried'] {
  const toMs = windowStart(windowMs, nowMs) + windowMs;
  if (nowMs < toMs - LATENESS_MS) return carried;
  return { toMs, count: (carried?.toMs === toMs ? carried.count : 0) + 1 };
}

/**
 * How a due time grows with each call, and what start times it allows. With a token bucket, a call may start `aheadMs`
 * before it is due. With fixed windows, the due time is the start of a window plus an equal part of its length for each
 * call of that window, and each of these calls may start when the window starts.
 */
interface Steps {
  /**
   * Time between two calls of the even schedule, in ms. If the burst is too small for the reserve for late calls, this
   * time includes the reserve.
   */
  intervalMs: number;
  /** Maximum time by which a call may go out before its time in the even schedule. */
  aheadMs: number;
  /** Length of the fixed windows. Absent: the limit is a token bucket. */
  windowMs?: number;
}

function stepsOf(state: CallState, rateLimit: RateLimit, nowMs: number): Steps {
  const multiplier = rateMultiplier(state, nowMs);
  if (isWindow(rateLimit)) {
    const windowMs = rateLimit.windowSeconds * 1_000;
    return {
      intervalMs: windowMs / Math.max(1, Math.floor(rateLimit.count * multiplier)),
      aheadMs: 0,
      windowMs,
    };
  }
  const exactMs = 1_000 / (rateLimit.perSecond * multiplier);
  const burst = Math.max(1, rateLimit.burst * multiplier);
  // A burst of less than two calls is too small for the reserve for late calls. Calls are spaced further apart instead,
  // but at most twice as far, so that at least half the rate is used.
  if (burst < 2) return { intervalMs: exactMs + Math.min(exactMs, LATENESS_MS), aheadMs: 0 };
  // A burst that lasts less than the reserve becomes the reserve, so that the whole rate is used.
  return { intervalMs: exactMs, aheadMs: Math.max(0, (burst - 1) * exactMs - LATENESS_MS) };
}

const windowStart = (windowMs: number, atMs: number): number => Math.floor(atMs / windowMs) * windowMs;

/** Returns the earliest start of a call that is due at `dueMs`, not before `fromMs`, which is not before `nowMs`. */
function earliestStart(
  { intervalMs, aheadMs, windowMs }: Steps,
  dueMs: number,
  nowMs: number,
  fromMs: number,
): number {
  if (windowMs === undefined) return Math.max(fromMs, dueMs - aheadMs);
  // The due time is a sum of fractions.
  const openMs = windowStart(windowMs, dueMs + intervalMs / 2);
  // A call may go out a moment before its start time, but not before its window begins.
  return nowMs >= openMs ? fromMs : Math.max(fromMs, openMs + NOW_MS);
}

/** Returns the due time of the call that follows a call which starts at `startMs`. */
function dueAfter({ intervalMs, windowMs }: Steps, dueMs: number, startMs: number): number {
  if (windowMs === undefined) return Math.max(dueMs, startMs) + intervalMs;
  const sinceMs = windowStart(windowMs, startMs);
  // Counts in whole calls, because sums of fractions would drift.
  const used = Math.round(Math.max(0, dueMs - sinceMs) / intervalMs);
  return sinceMs + (used + 1) * intervalMs;
}

/** An answer by which the cloud throttled a call. */
export interface Throttle {
  /**
   * Time at which the call went out. If several calls that were under way at the same time are throttled, the rate
   * falls only once.
   */
  calledAtMs: number;
  retryAfterMs?: number | undefined;
  /** Rate multiplier computed from the rate that the cloud says it accepts. */
  toldMultiplier?: number | undefined;
  /** Limit of the throttled calls, if it is one of fixed windows: calls then pause until the next window. */
  limit?: RateLimit;
  /** True if the caller also reports accepted calls, by `noteAccepted`. */
  isCounted?: boolean;
}

/**
 * Slows calls down after a throttle: to half the rate, or to the rate that the cloud says it accepts. Calls pause for
 * the time that the cloud states, but at least 250 ms. If it states none, they pause for a second, or until the next of
 * the limit's fixed windows. At the end of the pause, the
 * cloud's token bucket is assumed to be empty.
 *
 * A cloud that accepts no call at all says nothing about the rate. If no call was accepted since the last throttle, the
 * rate stays, and the pause doubles instead.
 */
export function slowCalls<State extends CallState>(
  state: State,
  nowMs: number,
  { calledAtMs, retryAfterMs, toldMultiplier, limit, isCounted = false }: Throttle,
): State {
  const known = state.slowed?.refusals ?? 0;
  const isInRow = known > 0 && nowMs < (state.slowed?.sinceMs ?? 0) + IN_A_ROW_MS;
  const pauseMs = isInRow ? Math.min(MAX_PAUSE_MS, 1_000 * 2 ** known) : 1_000;
  const restMs = limit && isWindow(limit) ? restOfWindowMs(limit.windowSeconds * 1_000, nowMs) : pauseMs;
  const untilMs = nowMs + Math.max(250, retryAfterMs ?? restMs);
  // A call that went out before the rate was last lowered, or before `blockedUntilMs`, had its permit at the earlier
  // rate. A throttle of such a call says nothing about the current rate.
  const isNews = calledAtMs >= (state.slowed ? Math.max(state.slowed.sinceMs, state.blockedUntilMs) : 0);
  const lowered =
    isInRow && state.slowed ? state.slowed.multiplier : rateMultiplier(state, nowMs) / SLOWED_BY;
  const slowed = isNews
    ? {
        multiplier: Math.min(1, Math.max(LEAST_MULTIPLIER, toldMultiplier ?? lowered)),
        sinceMs: nowMs,
        ...(toldMultiplier === undefined ? {} : { isTold: true }),
        ...(isCounted ? { refusals: isInRow ? known + 1 : 1 } : {}),
      }
    : state.slowed;
  const blockedUntilMs = Math.max(state.blockedUntilMs, untilMs);
  return { ...state, blockedUntilMs, emptyAtMs: blockedUntilMs, ...(slowed ? { slowed } : {}) };
}

function restOfWindowMs(windowMs: number, nowMs: number): number {
  return windowStart(windowMs, nowMs) + windowMs - nowMs;
}

/** Returns true if calls are slowed down, and none was accepted since the last throttle. */
export const awaitsAccepted = ({ slowed }: Pick<CallState, 'slowed'>): boolean => (slowed?.refusals ?? 0) > 0;

/** Records that the cloud accepted a call after it had throttled others. */
export function noteAccepted<State extends CallState>(state: State): State {
  if (!state.slowed || !awaitsAccepted(state)) return state;
  const { refusals: _over, ...slowed } = state.slowed;
  return { ...state, slowed };
}
