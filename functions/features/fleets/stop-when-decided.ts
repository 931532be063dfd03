import pLimit from 'p-limit';
import type { NodeGroup } from '../../model/fleet.ts';
import { type Placement, sameSite } from '../../platform/placement/lay-out.ts';
import { type FleetItem, parseFleetItem } from '../../platform/store/fleets.ts';
import { type PlacementItem, pausePlacement, readFleetPartition } from '../../platform/store/placements.ts';
import type { Store } from '../../platform/store/store.ts';
import { type Aim, isDecided } from './verdict.ts';

const CONCURRENT_WRITES = 20;

/**
 * Pauses launching if further launches cannot change the verdict of the failure policy. The worker that has
 * recorded a permanent failure of an instance calls this function. If that worker died, the reconciler calls
 * this function.
 */
export async function stopWhenDecided(
  store: Store<'fleets'>,
  { fleetId, placements }: { fleetId: string; placements: readonly Placement[] },
): Promise<void> {
  const { meta, placements: items } = await readFleetPartition(store, fleetId);
  const fleet = parseFleetItem(meta);
  if (fleet.status !== 'Creating' || items.every(({ launching }) => launching !== 'on')) return;
  if (isDecided(aimOf(fleet, placements), items, fleet.round))
    await pauseLaunching(store, fleet, placements, items);
}

/**
 * Pauses launching at all placements of the fleet, for its current round.
 *
 * @param known the placements' items, if the caller has read them. Those that are paused for the round stay as they are:
 *   only a later round opens them
 */
export async function pauseLaunching(
  store: Store<'fleets'>,
  { fleetId, round }: Pick<FleetItem, 'fleetId' | 'round'>,
  placements: readonly Placement[],
  known: readonly PlacementItem[] = [],
): Promise<void> {
  const limit = pLimit(CONCURRENT_WRITES);
  const paused = known.filter((one) => one.launching === 'paused' && one.round === round);
  const open = placements.filter((one) => !paused.some((item) => sameSite(item, one)));
  await Promise.all(open.map((one) => limit(() => pausePlacement(store, fleetId, one, round))));
}

export function aimOf(
  { failurePolicy, requested, minimumInstances }: FleetItem,
  placements: readonly Placement[],
): Aim {
  const groups = new Map<string, NodeGroup>();
  for (const { ranges } of placements) for (const { group } of ranges) groups.set(group.name, group);
  return { failurePolicy, requested, minimumInstances, nodeGroups: [...groups.values()] };
}
