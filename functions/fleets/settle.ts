import pLimit from 'p-limit';
import type { FleetStatus } from '../model/status.ts';
import { layOut } from '../placement/lay-out.ts';
import type { Store } from '../store/client.ts';
import { type FleetItem, parseFleetItem, readSpec, updateFleet } from '../store/fleets.ts';
import { closePlacement, type PlacementItem, readFleetPartition } from '../store/placements.ts';

const CONCURRENT_WRITES = 20;

/**
 * The state Settle: nothing more is launched, and the fleet's status says what came of it. A fleet that is being
 * removed keeps its status. Run twice it answers the same.
 */
export async function settleFleet(store: Store<'fleets'>, fleetId: string): Promise<{ status: FleetStatus }> {
  const limit = pLimit(CONCURRENT_WRITES);
  const placements = layOut(await readSpec(store, fleetId));
  await Promise.all(placements.map((one) => limit(() => closePlacement(store, fleetId, one))));
  const partition = await readFleetPartition(store, fleetId);
  const fleet = parseFleetItem(partition.meta);
  const status = statusOf(fleet, partition.placements);
  const settled = await updateFleet(store, fleetId, ['Preparing', 'Creating', status], {
    status,
    runningAt: fleet.runningAt ?? new Date(store.clock.now()).toISOString(),
  });
  return { status: settled ? status : fleet.status };
}

/** Under the policy `continue`: what runs is kept, unless it is less than the least that was asked for. */
export function statusOf(
  { requested, minimumInstances = 1 }: Pick<FleetItem, 'requested' | 'minimumInstances'>,
  placements: readonly Pick<PlacementItem, 'counts'>[],
): FleetStatus {
  const running = placements.reduce((sum, { counts }) => sum + (counts.Running ?? 0), 0);
  if (running === requested) return 'Running';
  return running >= Math.max(1, minimumInstances) ? 'PartiallyRunning' : 'Failed';
}
