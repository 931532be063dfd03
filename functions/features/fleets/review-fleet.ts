import type { Placement } from '../../platform/placement/lay-out.ts';
import { parseFleetItem, updateFleet } from '../../platform/store/fleets.ts';
import { readFleetPartition } from '../../platform/store/placements.ts';
import type { Store } from '../../platform/store/store.ts';
import { aimOf } from './stop-when-decided.ts';
import { statusWhenBack } from './verdict.ts';

/**
 * Updates the status of a settled fleet after lost instances of the fleet run again. If enough of its
 * instances run, the fleet becomes Running or PartiallyRunning. A fleet with work under way is not changed,
 * because that work sets its status.
 */
export async function reviewFleet(
  store: Store<'fleets'>,
  { fleetId, placements }: { fleetId: string; placements: readonly Placement[] },
): Promise<void> {
  const { meta, placements: items } = await readFleetPartition(store, fleetId);
  const fleet = parseFleetItem(meta);
  if (fleet.work !== undefined || (fleet.status !== 'PartiallyRunning' && fleet.status !== 'Failed')) return;
  const isRefined = fleet.failurePolicy === 'refine' || fleet.lastAction === 'refine';
  const status = statusWhenBack(aimOf(fleet, placements), items, isRefined);
  // This function only improves the status: losing instances does not change the status of a settled fleet.
  if (status === 'Failed') return;
  // If the fleet has changed since it was read, nothing is written. The work that changed the fleet counts
  // its instances again.
  if (status !== fleet.status) await updateFleet(store, fleet, { status });
}
