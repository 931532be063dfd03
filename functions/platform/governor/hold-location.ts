import { z } from 'zod';
import { locationsKey } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { type Known, readVersioned, updateVersioned } from '../store/versioned.ts';
import { createKey, type GovernedSite, type SiteKey } from './site.ts';
import { type SiteState, siteStateSchema } from './site-state.ts';
import { grantSlots, heldNow, RENEW_SLOT_MS } from './slots.ts';

const locationsSchema = z.object({
  /** Locations that have a location slot. Each maps to the time at which its current hold of the slot was taken. */
  holders: z.record(z.string(), z.number()),
  /** Number of each location's current hold. */
  holds: z.record(z.string(), z.int()),
  /** Number of the connection's latest hold. */
  lastHold: z.int(),
});
type Locations = z.infer<typeof locationsSchema>;

/**
 * Age from which a location slot is given back if no launch at the location has a slot. In that case, a worker died
 * before it gave the location slot back.
 */
const FORGOTTEN_MS = 60_000;

export interface LocationHold {
  /** Number of the hold; see `holdLocation`. */
  number: number;
  /** True if this call took the hold; false if the site had it already. */
  isNew: boolean;
}

/**
 * Takes one of the connection's location slots for the site, or keeps the location slot that the site has. A hold is
 * one period in which a site has a location slot, and each hold has its own number. A late release of an earlier hold
 * therefore cannot free the location slot of a later hold.
 *
 * @param known the site's state, as the caller has just read it
 * @returns undefined if all location slots are taken
 */
export async function holdLocation(
  store: Store<'governor'>,
  site: GovernedSite,
  { state: current }: Known<SiteState>,
): Promise<LocationHold | undefined> {
  const isFresh = (current?.locationSinceMs ?? 0) + RENEW_SLOT_MS > store.clock.now();
  if (current?.locationHold !== undefined && isFresh && Object.keys(current.holders).length > 0)
    return { number: current.locationHold, isNew: false };
  const { connectionKey, location, limits } = site;
  const taken = await updateVersioned<Locations, number | undefined>(
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
  await freeForgotten(store, site);
  return undefined;
}

/**
 * Frees one location slot that a dead worker did not give back. Such a worker gave a site's last slot back, and died
 * before it gave the location slot back. Each refused call of `holdLocation` checks one random location. Another worker
 * may take a slot at that location at the same time. This is harmless: that worker checks after its write that the site
 * still has the location slot.
 */
async function freeForgotten(store: Store<'governor'>, { connectionKey }: SiteKey): Promise<void> {
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

/** Reads everything that the governor knows about creates at a site. */
export async function readSiteState(store: Store<'governor'>, site: SiteKey): Promise<SiteState | undefined> {
  return await readVersioned(store, createKey(site), siteStateSchema);
}

/**
 * Reads the ids of the instances that have a slot at a site, each with the time from which its create call may go out.
 */
export async function readHolders(store: Store<'governor'>, site: SiteKey): Promise<Record<string, number>> {
  const state = await readSiteState(store, site);
  return heldNow(state?.holders ?? {}, store.clock.now());
}

/**
 * Removes the number of a lost hold from a site's state. The next launch at the site then takes a location slot again.
 */
export async function forgetHold(
  store: Store<'governor'>,
  site: SiteKey,
  hold: number | undefined,
): Promise<void> {
  await updateVersioned<SiteState, void>(store, createKey(site), siteStateSchema, (current) => {
    if (!current || current.locationHold !== hold) return { state: undefined, answer: undefined };
    const { locationHold: _hold, locationSinceMs: _since, ...rest } = current;
    return { state: rest, answer: undefined };
  });
}

/** Reads the number of a location's current hold; undefined if the location has no location slot. */
export async function holdOf(
  store: Store<'governor'>,
  { connectionKey, location }: SiteKey,
): Promise<number | undefined> {
  return (await readVersioned(store, locationsKey(connectionKey), locationsSchema))?.holds[location];
}

/** Gives a location slot back, unless the location has a later hold by now. */
export async function freeLocation(
  store: Store<'governor'>,
  { connectionKey, location }: SiteKey,
  hold: number,
): Promise<void> {
  await updateVersioned<Locations, void>(store, locationsKey(connectionKey), locationsSchema, (state) => {
    if (state?.holds[location] !== hold) return { state: undefined, answer: undefined };
    const { [location]: _since, ...holders } = state.holders;
    const { [location]: _hold, ...holds } = state.holds;
    return { state: { ...state, holders, holds }, answer: undefined };
  });
}

/** Lists a connection's locations where instances are being created. */
export async function readLocationsInUse(store: Store<'governor'>, connectionKey: string): Promise<string[]> {
  const state = await readVersioned(store, locationsKey(connectionKey), locationsSchema);
  return Object.keys(heldNow(state?.holders ?? {}, store.clock.now()));
}
