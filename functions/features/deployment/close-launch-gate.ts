import { isGoing } from '../../model/status.ts';
import { layOut } from '../../platform/placement/lay-out.ts';
import { readFleetItem, readSpec } from '../../platform/store/fleets.ts';
import { liveFleetIds } from '../../platform/store/live-fleets.ts';
import { allNamespaces } from '../../platform/store/namespaces.ts';
import type { Store } from '../../platform/store/store.ts';
import { pauseLaunching } from '../fleets/stop-when-decided.ts';

/**
 * Pauses launching at every placement of every live fleet. The caller has written before that the deployment ends.
 * From then on, no fleet is created, and Assign pauses each placement that it opens. So after this call no launch can
 * be claimed.
 *
 * @returns the number of fleets whose launching was paused. Fleets that are being removed are left out, because
 *   their launching has ended
 */
export async function closeLaunchGate(store: Store<'access' | 'fleets'>): Promise<number> {
  let paused = 0;
  for (const { name } of await allNamespaces(store, { consistent: true })) {
    for (const fleetId of await liveFleetIds(store, name)) {
      const fleet = await readFleetItem(store, fleetId);
      if (!fleet || isGoing(fleet.status)) continue;
      await pauseLaunching(store, fleet, layOut(await readSpec(store, fleetId)));
      paused += 1;
    }
  }
  return paused;
}
