import type { Placement } from '../../platform/placement/lay-out.ts';
import { parseFleetItem, updateFleet } from '../../platform/store/fleets.ts';
import { readFleetPartition } from '../../platform/store/placements.ts';
import type { Store } from '../../platform/store/store.ts';
import { aimOf } from './stop-when-decided.ts';
import { statusWhenBack } from './verdict.ts';

/**
 * Has a fleet that had settled follow its instances, of which some are back that were lost: where enough run now, it is
 * Running or PartiallyRunning again. A fleet that is being worked on is left to that.
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
  // What a fleet is does not follow what it loses after it has settled.
  if (status === 'Failed') return;
  // Where the fleet goes on meanwhile, what works on it looks at its instances again.
  if (status !== fleet.status) await updateFleet(store, fleet, { status });
}
