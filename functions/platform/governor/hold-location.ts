import * as z from 'zod';
import { locationsKey } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { type Known, readVersioned, updateVersioned } from '../store/versioned.ts';
import { createKey, type GovernedSite, type SiteKey } from './site.ts';
import { type SiteState, siteStateSchema } from './site-state.ts';
import { grantSlots, heldNow, RENEW_SLOT_MS } from './slots.ts';

const locationsSchema = z.object({
  /** Time at which each location's current hold was taken, in ms since 1970; see `holdLocation`. */
  holders: z.record(z.string(), z.number()),
  /** Number of each location's current hold. */
  holds: z.record(z.string(), z.int()),
  /** Number of the connection's latest hold. */
  lastHold: z.int(),
});
type Locations = z.infer<typeof locationsSchema>;

/**
 * If a location slot is older than this and no launch at the location has a slot, the location slot is given back. The
 * worker that should have done so is assumed to have died.
 */
const FORGOTTEN_MS = 60_000;

export interface LocationHold {
  /** Number of the hold; see `holdLocation`. */
  number: number;
  /** True if this call took the hold; false if the site had it already. */
  isNew: boolean;
}

/**
 * Takes one of the connection's location slots for the site, or keeps the location slot that the site has. The number
 * of location slots limits at how many locations the connection creates instances at the same time. A hold is one
 * period in which a site has a location slot, and each hold has its own number. A late release of an earlier hold
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
      const slots = limits.concurrentLocations ?? Number.POSITIVE_INFINITY;
      const { granted, holders } = grantSlots(state.holders, slots, nowMs, [location]);
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
 * Checks one random location among those with an old location slot (`FORGOTTEN_MS`), and frees its location slot if no
 * launch there has a slot. This is the case if a worker died after it gave the site's last slot back, and before it
 * gave the location slot back. If another worker takes a slot at that location at the same time, that worker detects
 * the lost location slot after its write.
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

/** Reads what the governor stores about creates at a site; undefined if there is nothing. */
export async function readSiteState(store: Store<'governor'>, site: SiteKey): Promise<SiteState | undefined> {
  return await readVersioned(store, createKey(site), siteStateSchema);
}

/** Reads the slot holders of a site: instance id → time from which its create call may go out, in ms since 1970. */
export async function readHolders(store: Store<'governor'>, site: SiteKey): Promise<Record<string, number>> {
  const state = await readSiteState(store, site);
  return heldNow(state?.holders ?? {}, store.clock.now());
}

/**
 * Removes a hold's number from a site's state, if the state still has it. The next launch at the site then takes a
 * location slot.
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

/** Lists the locations that have one of the connection's location slots. */
export async function readLocationsInUse(store: Store<'governor'>, connectionKey: string): Promise<string[]> {
  const state = await readVersioned(store, locationsKey(connectionKey), locationsSchema);
  return Object.keys(heldNow(state?.holders ?? {}, store.clock.now()));
}
