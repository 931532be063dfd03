import type { Placement } from '../../platform/placement/lay-out.ts';
import { parseFleetItem, updateFleet } from '../../platform/store/fleets.ts';
import { readFleetPartition } from '../../platform/store/placements.ts';
import type { Store } from '../../platform/store/store.ts';
import { aimOf } from './stop-when-decided.ts';
import { statusWhenBack } from './verdict.ts';

/**
 * Updates the status of a settled fleet when instances that it had lost exist again. If enough of them run, the fleet
 * is Running or PartiallyRunning again. A fleet with work under way is left alone: that work sets its status.
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
  // A settled fleet keeps its status when it loses instances later.
  if (status === 'Failed') return;
  // If the fleet has changed in the meantime, the work that changed it reads its instances again.
  if (status !== fleet.status) await updateFleet(store, fleet, { status });
}
