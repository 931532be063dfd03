import * as z from 'zod';
import type { WantedCreate } from '../../model/wanted-create.ts';

/**
 * Create calls with a later start time for which launches of other fleets wait. The launch that has the start time is
 * the leader. When its call goes out, the worker takes the waiting launches along from the launch queue.
 */
const awaitedSchema = z.object({
  /** Start time of the latest leader's call. */
  startMs: z.number(),
  /** Number of leaders whose call has not gone out. */
  leaders: z.int().nonnegative(),
  /** Number of launches in the launch queue that wait for these calls. It may be too high, because launches leave. */
  waiting: z.int().nonnegative(),
});

/** Awaited calls by the key of what may share them (`WantedCreate.call.shared`). */
export const awaitedCallsSchema = z.record(z.string(), awaitedSchema);
export type AwaitedCalls = z.infer<typeof awaitedCallsSchema>;

type Shared = NonNullable<NonNullable<WantedCreate['call']>['shared']>;

/**
 * Time after the start time of a call in ms, after which no launch waits for it: the leader's message is lost, late, or
 * its fleet no longer launches. The polls of the site then serve the waiting launches.
 */
const OVERDUE_MS = 3_000;
/** Maximum number of keys. Launches that are alike to none of the others would fill the item of the site. */
const MOST_KEYS = 16;

/** Returns true if a launch may wait for the call of another fleet. */
export function mayFollow(calls: AwaitedCalls, { key, most }: Shared, nowMs: number): boolean {
  const call = calls[key];
  return call !== undefined && isLive(call, nowMs) && call.waiting < call.leaders * (most - 1);
}

/** Adds a leader. Forgets calls that are overdue, and the earliest ones if there are too many. */
export function withLeader(calls: AwaitedCalls, key: string, startMs: number, nowMs: number): AwaitedCalls {
  const others = Object.entries(calls)
    .filter(([other, call]) => other !== key && isLive(call, nowMs))
    .toSorted(([, one], [, other]) => other.startMs - one.startMs)
    .slice(0, MOST_KEYS - 1);
  const known = calls[key];
  const { leaders, waiting } = known && isLive(known, nowMs) ? known : { leaders: 0, waiting: 0 };
  return { ...Object.fromEntries(others), [key]: { startMs, leaders: leaders + 1, waiting } };
}

/** Sets the number of launches that wait for a call, if it is larger than the known one. */
export function withWaiting(calls: AwaitedCalls, key: string, waiting: number): AwaitedCalls {
  const call = calls[key];
  return call && call.waiting < waiting ? { ...calls, [key]: { ...call, waiting } } : calls;
}

/** Records that a call has gone out, and has taken this number of waiting launches along. */
export function afterCall(calls: AwaitedCalls, key: string, taken: number, nowMs: number): AwaitedCalls {
  const { [key]: call, ...others } = calls;
  if (!call) return calls;
  const { startMs } = call;
  // The call may have been that of another launch, which did not wait. A leader whose start time is still to come is
  // expected all the same.
  const leaders = Math.max(startMs > nowMs ? 1 : 0, call.leaders - 1);
  const waiting = Math.max(0, call.waiting - taken);
  return leaders === 0 && waiting === 0 ? others : { ...others, [key]: { startMs, leaders, waiting } };
}

/** Returns true if launches wait for a call with this key. */
export const isAwaited = (calls: AwaitedCalls, key: string): boolean => (calls[key]?.waiting ?? 0) > 0;

const isLive = ({ startMs }: AwaitedCalls[string], nowMs: number): boolean => startMs + OVERDUE_MS > nowMs;
