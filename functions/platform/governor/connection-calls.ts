import * as z from 'zod';
import type { CallKind, LimitProfile } from '../../model/limit-profile.ts';
import { connectionCallsKey } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { updateVersioned } from '../store/versioned.ts';
import { callStateSchema, IDLE_CALLS, scheduleCalls } from './rate.ts';
import { connectionRates } from './rate-limits.ts';

/** Schedules of the calls of all locations of a connection, by bucket. */
export const connectionCallsSchema = z.object({ buckets: z.record(z.string(), callStateSchema) });
export type ConnectionCallsState = z.infer<typeof connectionCallsSchema>;

export const NO_CALLS: ConnectionCallsState = { buckets: {} };

export interface TakenCalls {
  /** Number of calls that may go out. */
  granted: number;
  /** Time in ms since 1970 from which the others may ask again. Absent: all calls may go out. */
  retryAtMs?: number;
}

/** Takes as many of the wanted calls of a kind as the rates over all locations allow now. Pure. */
export function takeCalls(
  current: ConnectionCallsState,
  limits: LimitProfile,
  kind: CallKind,
  wanted: number,
  nowMs: number,
): { state: ConnectionCallsState; taken: TakenCalls } {
  const rates = connectionRates(limits, kind);
  let { buckets } = current;
  for (let granted = 0; granted < wanted; granted += 1) {
    const next = rates.map(({ bucket, limit }) => {
      const { startsMs, state } = scheduleCalls(buckets[bucket] ?? IDLE_CALLS, limit, nowMs, 1);
      return { bucket, startMs: startsMs[0] ?? nowMs, state };
    });
    const retryAtMs = Math.max(nowMs, ...next.map(({ startMs }) => startMs));
    if (retryAtMs > nowMs) return { state: { buckets }, taken: { granted, retryAtMs } };
    buckets = { ...buckets, ...Object.fromEntries(next.map(({ bucket, state }) => [bucket, state])) };
  }
  return { state: { buckets }, taken: { granted: wanted } };
}

/**
 * Takes calls of a kind from the buckets over all locations of a connection. Without such buckets, all calls may go out,
 * and nothing is read or written. All calls of one request are one write.
 *
 * @throws Contended if other workers changed the item during every attempt
 */
export async function takeConnectionCalls(
  store: Store<'governor'>,
  { connectionKey, limits }: { connectionKey: string; limits: LimitProfile },
  kind: CallKind,
  wanted: number,
): Promise<TakenCalls> {
  if (wanted === 0 || connectionRates(limits, kind).length === 0) return { granted: wanted };
  return await updateVersioned<ConnectionCallsState, TakenCalls>(
    store,
    connectionCallsKey(connectionKey),
    connectionCallsSchema,
    (current = NO_CALLS) => {
      const { state, taken } = takeCalls(current, limits, kind, wanted, store.clock.now());
      return { state: taken.granted > 0 ? state : undefined, answer: taken };
    },
  );
}
