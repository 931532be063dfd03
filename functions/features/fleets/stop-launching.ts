import { layOut } from '../../platform/placement/lay-out.ts';
import type { Store } from '../../platform/store/client.ts';
import { type FleetItem, readSpec, updateFleet } from '../../platform/store/fleets.ts';
import { restGates } from './stop-when-decided.ts';

/** Rests the gates of a fleet that was held or aborted, and notes that this is done. Doing it twice is harmless. */
export async function stopLaunching(store: Store<'fleets'>, fleet: FleetItem): Promise<void> {
  if (!fleet.gatesToRest) return;
  await restGates(store, fleet, layOut(await readSpec(store, fleet.fleetId)));
  await updateFleet(store, fleet, { gatesToRest: null });
}
