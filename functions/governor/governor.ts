import { z } from 'zod';
import type { CallKind, LimitProfile } from '../model/limit-profile.ts';
import type { Store } from '../store/client.ts';
import { callKey, locationsKey } from '../store/keys.ts';
import { readVersioned, updateVersioned } from '../store/versioned.ts';
import {
  blockCalls,
  type CallState,
  grantCalls,
  grantSlots,
  heldNow,
  IDLE_CALLS,
  SLOT_LEASE_MS,
} from './permits.ts';

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
  /** When that hold was taken. */
  locationSinceMs: z.number().optional(),
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

interface CreateAnswer extends PermitAnswer {
  /** Nobody holds a slot of the place. */
  isIdle: boolean;
  /** The hold on the location that was written with the slots. */
  locationHold?: number;
}

/** Slots come free when an instance runs, which the status loop sees: asking more often than it looks is vain. */
const SLOT_RETRY_MS = 3_000;
/** Somebody else was faster: the next attempt will see what they did. */
const RACE_RETRY_MS = 1_000;
/** A place that is busy for longer than a lease takes its location anew long before that ends. */
const RENEW_LOCATION_MS = SLOT_LEASE_MS / 3;
/** A location that was taken so long ago has slots under it by now, or was forgotten. */
const FORGOTTEN_MS = 60_000;

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
  const answer = await updateVersioned<CreateState, CreateAnswer>(
    store,
    createKey(place),
    createSchema,
    (current = IDLE_CREATES) => {
      // The last slot went back since the hold was read here, and the location with it, or soon.
      if (!hold.isNew && current.locationHold !== hold.number) {
        return { state: undefined, answer: { granted: [], retryAfterMs: RACE_RETRY_MS, isIdle: false } };
      }
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
      const holders = Object.fromEntries(
        Object.entries(slots.holders).filter(([holder]) => keep.has(holder)),
      );
      const short = slots.granted.length < instanceIds.length;
      // Of two workers that took the location at once, the later hold is the one that stands.
      const locationHold = Math.max(hold.number, current.locationHold ?? 0);
      const locationSinceMs = hold.isNew ? nowMs : current.locationSinceMs;
      return {
        state: granted.length > 0 ? { ...calls.state, holders, locationHold, locationSinceMs } : undefined,
        answer: {
          granted,
          retryAfterMs: Math.max(calls.retryAfterMs, short ? SLOT_RETRY_MS : 0),
          isIdle: keep.size === 0,
          locationHold,
        },
      };
    },
  );
  if (answer.isIdle) await freeLocation(store, place, hold.number);
  const { granted, retryAfterMs, locationHold } = answer;
  if (hold.isNew && granted.length > 0 && (await holdOf(store, place)) === undefined) {
    // A hold after ours was given back before this write: the location may be another's by now. The slots stay, since
    // another worker with the same launch may have created under them; whoever asks next takes the location anew.
    await forgetHold(store, place, locationHold);
    return { granted: [], retryAfterMs: RACE_RETRY_MS };
  }
  return { granted, retryAfterMs };
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
      const { locationHold, locationSinceMs: _since, ...rest } = current;
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
 * @returns the hold's number, and whether it was taken anew; undefined when all location slots are taken
 */
async function holdLocation(
  store: Store<'governor'>,
  place: GovernedPlace,
): Promise<{ number: number; isNew: boolean } | undefined> {
  const current = await readVersioned(store, createKey(place), createSchema);
  const isFresh = (current?.locationSinceMs ?? 0) + RENEW_LOCATION_MS > store.clock.now();
  if (current?.locationHold !== undefined && isFresh && Object.keys(current.holders).length > 0)
    return { number: current.locationHold, isNew: false };
  const { connectionKey, location, limits } = place;
  const taken = await updateVersioned<z.infer<typeof locationsSchema>, number | undefined>(
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
  if (taken !== undefined) return { number: taken, isNew: true };
  await freeForgotten(store, place);
  return undefined;
}

/**
 * A worker that gave a place's last slot back and died before it gave the location back leaves it taken. Whoever is
 * refused looks at one of those that stand in the way. One that is being taken just now is not harmed: whoever takes a
 * location sees after its write whether it still has it.
 */
async function freeForgotten(store: Store<'governor'>, place: GovernedPlace): Promise<void> {
  const { connectionKey } = place;
  const state = await readVersioned(store, locationsKey(connectionKey), locationsSchema);
  const settled = Object.entries(state?.holders ?? {}).filter(
    ([, sinceMs]) => sinceMs + FORGOTTEN_MS < store.clock.now(),
  );
  const [location] = settled[Math.floor(store.random() * settled.length)] ?? [];
  const hold = location === undefined ? undefined : state?.holds[location];
  if (location === undefined || hold === undefined) return;
  const holders = await readHolders(store, { connectionKey, location });
  if (Object.keys(holders).length === 0) await freeLocation(store, { connectionKey, location }, hold);
}

/** Slots that stand under a hold which the connection does not know of are to take the location anew. */
async function forgetHold(
  store: Store<'governor'>,
  place: GovernedPlace,
  hold: number | undefined,
): Promise<void> {
  await updateVersioned<CreateState, void>(store, createKey(place), createSchema, (current) => {
    if (!current || current.locationHold !== hold) return { state: undefined, answer: undefined };
    const { locationHold: _hold, locationSinceMs: _since, ...rest } = current;
    return { state: rest, answer: undefined };
  });
}

/** The hold that a location has of its connection's; undefined when it has none. */
async function holdOf(
  store: Store<'governor'>,
  { connectionKey, location }: GovernedPlace,
): Promise<number | undefined> {
  return (await readVersioned(store, locationsKey(connectionKey), locationsSchema))?.holds[location];
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
