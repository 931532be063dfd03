import pLimit from 'p-limit';
import type { NodeGroup } from '../../model/fleet.ts';
import type { Placement } from '../../platform/placement/lay-out.ts';
import type { Store } from '../../platform/store/client.ts';
import { type FleetItem, parseFleetItem } from '../../platform/store/fleets.ts';
import { readFleetPartition, restPlacement } from '../../platform/store/placements.ts';
import { type Aim, isDecided } from './verdict.ts';

const CONCURRENT_WRITES = 20;

/** After a failure for good: once the failure policy's verdict is certain, nothing more of the fleet is launched. */
export async function stopWhenDecided(
  store: Store<'fleets'>,
  { fleetId, placements }: { fleetId: string; placements: readonly Placement[] },
): Promise<void> {
  const { meta, placements: items } = await readFleetPartition(store, fleetId);
  const fleet = parseFleetItem(meta);
  if (fleet.status !== 'Creating' || items.every(({ gate }) => gate !== 'open')) return;
  if (isDecided(aimOf(fleet, placements), items, fleet.round)) await restGates(store, fleet, placements);
}

/** Lets nothing more of the fleet's present round begin. */
export async function restGates(
  store: Store<'fleets'>,
  { fleetId, round }: Pick<FleetItem, 'fleetId' | 'round'>,
  placements: readonly Placement[],
): Promise<void> {
  const limit = pLimit(CONCURRENT_WRITES);
  await Promise.all(placements.map((one) => limit(() => restPlacement(store, fleetId, one, round))));
}

export function aimOf(
  { failurePolicy, requested, minimumInstances }: FleetItem,
  placements: readonly Placement[],
): Aim {
  const groups = new Map<string, NodeGroup>();
  for (const { ranges } of placements) for (const { group } of ranges) groups.set(group.name, group);
  return { failurePolicy, requested, minimumInstances, nodeGroups: [...groups.values()] };
}
