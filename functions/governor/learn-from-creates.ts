import type { Store } from '../store/client.ts';
import { updateVersioned } from '../store/versioned.ts';
import { type Lesson, learn } from './barriers.ts';
import { createPace } from './paces.ts';
import { createKey, type GovernedPlace } from './place.ts';
import { IDLE_PLACE, type PlaceState, placeStateSchema } from './place-state.ts';
import { scheduleCalls, slowCalls, type Throttle } from './rate.ts';

/** A create call that the cloud throttled. Its slot stays its own. */
export interface ThrottledCreate extends Throttle {
  instanceId: string;
}

/**
 * Keeps what create calls taught about a place. One conditional write, and none where nothing is new.
 *
 * @returns when the throttled calls may go out again, by instance
 */
export async function learnFromCreates(
  store: Store<'governor'>,
  place: GovernedPlace,
  lessons: readonly Lesson[],
  throttled: readonly ThrottledCreate[],
): Promise<Map<string, number>> {
  const pace = createPace(place.limits);
  return await updateVersioned<PlaceState, Map<string, number>>(
    store,
    createKey(place),
    placeStateSchema,
    (current = IDLE_PLACE) => {
      const nowMs = store.clock.now();
      let state = lessons.reduce((known, lesson) => learn(known, lesson, nowMs), current);
      for (const throttle of throttled) state = slowCalls(state, nowMs, throttle);
      const calls = scheduleCalls(state, pace, nowMs, throttled.length);
      const starts = new Map(
        throttled.map(({ instanceId }, at) => [instanceId, calls.startsMs[at] ?? nowMs] as const),
      );
      const holders = { ...state.holders };
      for (const [id, startMs] of starts) if (holders[id] !== undefined) holders[id] = startMs;
      if (throttled.length > 0) state = { ...state, ...calls.state, holders };
      return { state: state === current ? undefined : state, answer: starts };
    },
  );
}

/** Somebody's machine is gone for good, or somebody says so: what the quota had no room for may have room now. */
export async function reopenQuotas(store: Store<'governor'>, place: GovernedPlace): Promise<void> {
  await updateVersioned<PlaceState, void>(store, createKey(place), placeStateSchema, (current) => {
    if (!current?.closed || Object.keys(current.closed).length === 0)
      return { state: undefined, answer: undefined };
    const { closed: _open, ...rest } = current;
    return { state: rest, answer: undefined };
  });
}
