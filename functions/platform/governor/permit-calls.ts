import type { CallKind } from '../../model/limit-profile.ts';
import type { Store } from '../store/client.ts';
import { callKey } from '../store/keys.ts';
import { updateVersioned } from '../store/versioned.ts';
import { paceOf } from './paces.ts';
import type { GovernedPlace, PlaceKey } from './place.ts';
import { callStateSchema, IDLE_CALLS, scheduleCalls, slowCalls } from './rate.ts';

/** Calls other than creates, whose permits come with slots. */
type PlainCall = Exclude<CallKind, 'create'>;

/**
 * Permits for calls other than creates: for as many of `wanted` as may go out now.
 *
 * @returns `retryAfterMs`: when the others may ask again; 0 when all were granted
 */
export async function permitCalls(
  store: Store<'governor'>,
  { connectionKey, location, limits }: GovernedPlace,
  kind: PlainCall,
  wanted: number,
): Promise<{ granted: number; retryAfterMs: number }> {
  const pace = paceOf(limits, kind);
  return await updateVersioned(
    store,
    callKey(connectionKey, location, kind),
    callStateSchema,
    (current = IDLE_CALLS) => {
      const nowMs = store.clock.now();
      const { startsMs } = scheduleCalls(current, pace, nowMs, wanted);
      const granted = startsMs.filter((startMs) => startMs <= nowMs).length;
      const retryAfterMs = granted === wanted ? 0 : (startsMs[granted] ?? nowMs) - nowMs;
      const { state } = scheduleCalls(current, pace, nowMs, granted);
      return { state: granted > 0 ? state : undefined, answer: { granted, retryAfterMs } };
    },
  );
}

/** Calls are answered within about this time; what was throttled earlier than that belongs together. */
const ANSWERED_MS = 1_000;

/** After a throttle: this kind of call goes out more slowly at this place, for every fleet and process. */
export async function slowDown(
  store: Store<'governor'>,
  { connectionKey, location }: PlaceKey,
  kind: PlainCall,
  retryAfterMs: number | undefined,
): Promise<void> {
  await updateVersioned(
    store,
    callKey(connectionKey, location, kind),
    callStateSchema,
    (current = IDLE_CALLS) => {
      const nowMs = store.clock.now();
      const throttle = { calledAtMs: nowMs - ANSWERED_MS, retryAfterMs };
      return { state: slowCalls(current, nowMs, throttle), answer: undefined };
    },
  );
}
