import type { CallKind } from '../../model/limit-profile.ts';
import type { Store } from '../store/client.ts';
import { callKey } from '../store/keys.ts';
import { updateVersioned } from '../store/versioned.ts';
import { createPace, paceOf } from './paces.ts';
import { createKey, type GovernedPlace, type PlaceKey } from './place.ts';
import { IDLE_PLACE, type PlaceState, placeStateSchema } from './place-state.ts';
import { callStateSchema, IDLE_CALLS, isNow, type Pace, scheduleCalls, sendCall, slowCalls } from './rate.ts';

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

/**
 * Permits for creates of machines that have their slots, beyond the one that each came with: what a cloud took none of
 * together may be asked for one by one. They go by the rate alone.
 *
 * @returns as `permitCalls`
 */
export async function permitFurtherCreates(
  store: Store<'governor'>,
  place: GovernedPlace,
  wanted: number,
): Promise<{ granted: number; retryAfterMs: number }> {
  const pace = createPace(place.limits);
  return await updateVersioned(store, createKey(place), placeStateSchema, (current = IDLE_PLACE) => {
    const nowMs = store.clock.now();
    let state: PlaceState = current;
    for (let granted = 0; granted < wanted; granted += 1) {
      const next = sendNow(state, pace, nowMs);
      if ('startMs' in next) {
        const retryAfterMs = Math.max(1, next.startMs - nowMs);
        return { state: granted > 0 ? state : undefined, answer: { granted, retryAfterMs } };
      }
      state = next.state;
    }
    return { state, answer: { granted: wanted, retryAfterMs: 0 } };
  });
}

/** Counts one create that goes out now, or tells when one may. */
function sendNow(state: PlaceState, pace: Pace, nowMs: number): { state: PlaceState } | { startMs: number } {
  const calls = scheduleCalls(state, pace, nowMs, 1);
  const [startMs = nowMs] = calls.startsMs;
  if (!isNow(startMs, nowMs)) return { startMs };
  const sent = sendCall({ ...state, ...calls.state }, pace, nowMs);
  return sent ? { state: sent } : { startMs: nowMs + 1_000 / pace.perSecond };
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
