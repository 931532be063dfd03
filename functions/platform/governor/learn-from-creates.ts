import type { Store } from '../store/client.ts';
import { updateVersioned } from '../store/versioned.ts';
import { type Lesson, learn } from './barriers.ts';
import { createPace } from './paces.ts';
import { createKey, type GovernedPlace, type PlaceKey } from './place.ts';
import { IDLE_PLACE, type PlaceState, placeStateSchema } from './place-state.ts';
import { type Pace, scheduleCalls, slowCalls, type Throttle } from './rate.ts';

/** A create call that the cloud throttled. Its slot stays its own. */
export interface ThrottledCreate extends Omit<Throttle, 'toldShare'> {
  instanceId: string;
  /** The rate that the cloud says it bears. */
  limitPerSecond?: number | undefined;
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
      const learnt = lessons.reduce((known, lesson) => learn(known, lesson, nowMs), current);
      if (throttled.length === 0)
        return { state: learnt === current ? undefined : learnt, answer: new Map<string, number>() };
      const slowed = throttled.reduce(
        (known, { limitPerSecond, ...throttle }) =>
          slowCalls(known, nowMs, {
            ...throttle,
            toldShare: limitPerSecond === undefined ? undefined : limitPerSecond / pace.perSecond,
          }),
        learnt,
      );
      return retime(slowed, pace, nowMs, throttled);
    },
  );
}

/**
 * New times, by the present rate, for calls that were throttled and for those that were permitted by the rate before:
 * they would be throttled as well. Whoever comes at its old time is told of the new one.
 */
function retime(
  state: PlaceState,
  pace: Pace,
  nowMs: number,
  throttled: readonly ThrottledCreate[],
): { state: PlaceState; answer: Map<string, number> } {
  const again = throttled.map(({ instanceId }) => instanceId);
  const due = Object.entries(state.holders)
    .filter(([id, startMs]) => startMs > nowMs && !again.includes(id))
    .sort(([, one], [, other]) => one - other)
    .map(([id]) => id);
  const ids = [...again, ...due];
  const calls = scheduleCalls({ ...state, nextDueMs: nowMs }, pace, nowMs, ids.length);
  const starts = new Map(ids.map((id, at) => [id, calls.startsMs[at] ?? nowMs]));
  const holders = Object.fromEntries(
    Object.entries(state.holders).map(([id, startMs]) => [id, starts.get(id) ?? startMs]),
  );
  return { state: { ...state, ...calls.state, holders }, answer: starts };
}

/** Where a cloud wants one machine to run before the others are asked for: one does. */
export async function noteFirstRun(store: Store<'governor'>, place: GovernedPlace): Promise<void> {
  await updateVersioned<PlaceState, void>(store, createKey(place), placeStateSchema, (current) => ({
    state: current && current.ranAtMs === undefined ? { ...current, ranAtMs: store.clock.now() } : undefined,
    answer: undefined,
  }));
}

/**
 * Somebody's machine is gone for good, or somebody says so: what the quota had no room for may have room now.
 *
 * @returns the families of instance types that were closed
 */
export async function reopenQuotas(store: Store<'governor'>, place: PlaceKey): Promise<string[]> {
  return await updateVersioned<PlaceState, string[]>(store, createKey(place), placeStateSchema, (current) => {
    const families = Object.keys(current?.closed ?? {});
    if (!current || families.length === 0) return { state: undefined, answer: [] };
    const { closed: _open, ...rest } = current;
    return { state: rest, answer: families };
  });
}
