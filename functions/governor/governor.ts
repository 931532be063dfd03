import { z } from 'zod';
import type { CallKind, LimitProfile } from '../model/limit-profile.ts';
import type { Store } from '../store/client.ts';
import { callKey, locationsKey } from '../store/keys.ts';
import { readVersioned, updateVersioned } from '../store/versioned.ts';
import { blockCalls, type CallState, grantCalls, grantSlots, heldNow, IDLE_CALLS } from './permits.ts';

/** A connection at a location, with what the cloud allows there. */
export interface GovernedPlace {
  connectionKey: string;
  location: string;
  limits: LimitProfile;
}

const callSchema = z.object({ nextDueMs: z.number(), blockedUntilMs: z.number() });
const createSchema = callSchema.extend({
  /** Instance id → when its permit was given. */
  holders: z.record(z.string(), z.number()),
  /** Which hold on the connection's location slot this place has; absent while nothing is being created. */
  locationHold: z.int().optional(),
});
const locationsSchema = z.object({
  /** Location → when its hold was taken. */
  holders: z.record(z.string(), z.number()),
  holds: z.record(z.string(), z.int()),
  lastHold: z.int(),
});

type CreateState = z.infer<typeof createSchema>;
const IDLE_CREATES: CreateState = { ...IDLE_CALLS, holders: {} };

export interface PermitAnswer {
  granted: string[];
  /** When the others should ask again. */
  retryAfterMs: number;
}

/** Slots come free when an instance runs, which the status loop sees: asking more often than it looks is vain. */
const SLOT_RETRY_MS = 3_000;

/**
 * Permits to create: a slot of the place, a location slot of the connection and a call now, for as many of the
 * instances as all three allow. An instance that holds a slot keeps it when it asks again.
 */
export async function permitCreates(
  store: Store<'governor'>,
  place: GovernedPlace,
  instanceIds: readonly string[],
): Promise<PermitAnswer> {
  const hold = await holdLocation(store, place);
  if (hold === undefined) return { granted: [], retryAfterMs: SLOT_RETRY_MS };
  const answer = await updateVersioned(store, createKey(place), createSchema, (current = IDLE_CREATES) => {
    const nowMs = store.clock.now();
    const slots = grantSlots(
      current.holders,
      place.limits.concurrentInstancesPerLocation,
      nowMs,
      instanceIds,
    );
    const calls = grantCalls(current, place.limits.calls.create, nowMs, slots.granted.length);
    const granted = slots.granted.slice(0, calls.granted);
    const keep = new Set([...Object.keys(heldNow(current.holders, nowMs)), ...granted]);
    const holders = Object.fromEntries(Object.entries(slots.holders).filter(([holder]) => keep.has(holder)));
    const short = slots.granted.length < instanceIds.length;
    // Of two workers that took the location at once, the later hold is the one that stands.
    const locationHold = Math.max(hold, current.locationHold ?? 0);
    return {
      state: granted.length > 0 ? { ...calls.state, holders, locationHold } : undefined,
      answer: {
        granted,
        retryAfterMs: Math.max(calls.retryAfterMs, short ? SLOT_RETRY_MS : 0),
        idle: keep.size === 0,
      },
    };
  });
  if (answer.idle) await freeLocation(store, place, hold);
  return { granted: answer.granted, retryAfterMs: answer.retryAfterMs };
}

/** Permits for calls other than creates. */
export async function permitCalls(
  store: Store<'governor'>,
  { connectionKey, location, limits }: GovernedPlace,
  kind: Exclude<CallKind, 'create'>,
  wanted: number,
): Promise<{ granted: number; retryAfterMs: number }> {
  return await updateVersioned(
    store,
    callKey(connectionKey, location, kind),
    callSchema,
    (current = IDLE_CALLS) => {
      const { granted, retryAfterMs, state } = grantCalls(
        current,
        limits.calls[kind],
        store.clock.now(),
        wanted,
      );
      return { state: granted > 0 ? state : undefined, answer: { granted, retryAfterMs } };
    },
  );
}

/** After a throttle: this kind of call waits at this place, for every fleet and process. */
export async function slowDown(
  store: Store<'governor'>,
  place: Pick<GovernedPlace, 'connectionKey' | 'location'>,
  kind: CallKind,
  retryAfterMs: number | undefined,
): Promise<void> {
  const blocked = <T extends CallState>(current: T) => ({
    state: { ...current, ...blockCalls(current, store.clock.now(), retryAfterMs) },
    answer: undefined,
  });
  const key = callKey(place.connectionKey, place.location, kind);
  if (kind === 'create') {
    await updateVersioned(store, key, createSchema, (current = IDLE_CREATES) => blocked(current));
  } else {
    await updateVersioned(store, key, callSchema, (current = IDLE_CALLS) => blocked(current));
  }
}

/** Ids of the instances that hold a slot at a place, and since when. */
export async function readHolders(
  store: Store<'governor'>,
  place: Pick<GovernedPlace, 'connectionKey' | 'location'>,
): Promise<Record<string, number>> {
  const state = await readVersioned(store, createKey(place), createSchema);
  return heldNow(state?.holders ?? {}, store.clock.now());
}

/** Gives slots back; with the last one, the connection's location slot. Giving back twice is harmless. */
export async function releaseSlots(
  store: Store<'governor'>,
  place: Pick<GovernedPlace, 'connectionKey' | 'location'>,
  instanceIds: readonly string[],
): Promise<void> {
  if (instanceIds.length === 0) return;
  const released = new Set(instanceIds);
  const emptyHold = await updateVersioned<CreateState, number | undefined>(
    store,
    createKey(place),
    createSchema,
    (current) => {
      if (!current) return { state: undefined, answer: undefined };
      const { locationHold, ...rest } = current;
      const held = heldNow(current.holders, store.clock.now());
      const holders = Object.fromEntries(Object.entries(held).filter(([holder]) => !released.has(holder)));
      if (Object.keys(holders).length > 0) return { state: { ...current, holders }, answer: undefined };
      return { state: { ...rest, holders }, answer: locationHold };
    },
  );
  if (emptyHold !== undefined) await freeLocation(store, place, emptyHold);
}

/**
 * Takes, or keeps, one of the connection's location slots. Whoever takes it anew numbers the hold anew, so that
 * a release of the earlier one, still under way, cannot free it.
 *
 * @returns the hold's number; undefined when all location slots are taken
 */
async function holdLocation(store: Store<'governor'>, place: GovernedPlace): Promise<number | undefined> {
  const current = await readVersioned(store, createKey(place), createSchema);
  if (current?.locationHold !== undefined && Object.keys(current.holders).length > 0)
    return current.locationHold;
  const { connectionKey, location, limits } = place;
  return await updateVersioned<z.infer<typeof locationsSchema>, number | undefined>(
    store,
    locationsKey(connectionKey),
    locationsSchema,
    (state = { holders: {}, holds: {}, lastHold: 0 }) => {
      const nowMs = store.clock.now();
      const { granted, holders } = grantSlots(state.holders, limits.concurrentLocations, nowMs, [location]);
      if (granted.length === 0) return { state: undefined, answer: undefined };
      const hold = state.lastHold + 1;
      const holds = Object.fromEntries(Object.entries(state.holds).filter(([name]) => name in holders));
      return {
        state: {
          holders: { ...holders, [location]: nowMs },
          holds: { ...holds, [location]: hold },
          lastHold: hold,
        },
        answer: hold,
      };
    },
  );
}

async function freeLocation(
  store: Store<'governor'>,
  { connectionKey, location }: Pick<GovernedPlace, 'connectionKey' | 'location'>,
  hold: number,
): Promise<void> {
  await updateVersioned<z.infer<typeof locationsSchema>, void>(
    store,
    locationsKey(connectionKey),
    locationsSchema,
    (state) => {
      if (state?.holds[location] !== hold) return { state: undefined, answer: undefined };
      const { [location]: _since, ...holders } = state.holders;
      const { [location]: _hold, ...holds } = state.holds;
      return { state: { ...state, holders, holds }, answer: undefined };
    },
  );
}

function createKey({ connectionKey, location }: Pick<GovernedPlace, 'connectionKey' | 'location'>) {
  return callKey(connectionKey, location, 'create');
}
