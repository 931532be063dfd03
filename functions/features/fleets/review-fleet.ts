import { isSettled } from '../../model/status.ts';
import type { Placement } from '../../platform/placement/lay-out.ts';
import { parseFleetItem, updateFleet } from '../../platform/store/fleets.ts';
import { readFleetPartition } from '../../platform/store/placements.ts';
import type { Store } from '../../platform/store/store.ts';
import { aimOf } from './stop-when-decided.ts';
import { statusNow } from './verdict.ts';

/**
 * Updates the status of a settled fleet after instances of the fleet were lost, stopped or started outside, or run
 * again. A fleet that misses instances is PartiallyRunning, until a refine accepts the shortfall or a retry fills
 * it. A fleet with work under way is not changed, because that work sets its status.
 */
export async function reviewFleet(
  store: Store<'fleets'>,
  { fleetId, placements }: { fleetId: string; placements: readonly Placement[] },
): Promise<void> {
  const { meta, placements: items } = await readFleetPartition(store, fleetId);
  const fleet = parseFleetItem(meta);
  if (fleet.work !== undefined || !isSettled(fleet.status)) return;
  const status = statusNow(aimOf(fleet, placements), items, fleet.acceptedMissing ?? 0);
  // If the fleet has changed since it was read, nothing is written. The work that changed the fleet counts
  // its instances again.
  if (status !== fleet.status) await updateFleet(store, fleet, { status });
}
