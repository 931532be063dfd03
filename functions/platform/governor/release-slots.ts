import type { Store } from '../store/store.ts';
import { updateVersioned } from '../store/versioned.ts';
import { freeLocation } from './hold-location.ts';
import { createKey, type SiteKey } from './site.ts';
import { type SiteState, siteStateSchema } from './site-state.ts';
import { heldNow, type ReleasedSlot, withoutReleased } from './slots.ts';

/**
 * Gives slots back. After the site's last slot, gives the site's location slot back, too. Giving a slot back twice is
 * harmless. This function does not grant the slots to queued launches; `freeSlots` does both in one write.
 */
export async function releaseSlots(
  store: Store<'governor'>,
  site: SiteKey,
  released: readonly ReleasedSlot[],
): Promise<void> {
  if (released.length === 0) return;
  const emptyHold = await updateVersioned<SiteState, number | undefined>(
    store,
    createKey(site),
    siteStateSchema,
    (current) => {
      if (!current) return { state: undefined, answer: undefined };
      const { locationHold, locationSinceMs: _since, ...rest } = current;
      const held = heldNow(current.holders, store.clock.now());
      const holders = withoutReleased(held, released);
      const isSame = Object.keys(holders).length === Object.keys(current.holders).length;
      if (Object.keys(holders).length > 0)
        return { state: isSame ? undefined : { ...current, holders }, answer: undefined };
      if (isSame && locationHold === undefined) return { state: undefined, answer: undefined };
      return { state: { ...rest, holders }, answer: locationHold };
    },
  );
  if (emptyHold !== undefined) await freeLocation(store, site, emptyHold);
}
