import { layOut } from '../../platform/placement/lay-out.ts';
import { type FleetItem, readSpec, updateFleet } from '../../platform/store/fleets.ts';
import type { Store } from '../../platform/store/store.ts';
import { pauseLaunching } from './stop-when-decided.ts';

/**
 * Pauses launching if the fleet was held or aborted (`pausePending`), then clears `pausePending`. A second
 * call has no effect.
 */
export async function stopLaunching(store: Store<'fleets'>, fleet: FleetItem): Promise<void> {
  if (!fleet.pausePending) return;
  await pauseLaunching(store, fleet, layOut(await readSpec(store, fleet.fleetId)));
  await updateFleet(store, fleet, { pausePending: null });
}
