import pLimit from 'p-limit';
import type { PlacementItem } from '../../platform/store/placements.ts';
import { isHead, readShared, type SharedItem } from '../../platform/store/shared-networks.ts';
import type { Store } from '../../platform/store/store.ts';

const CONCURRENT_SITES = 10;

/**
 * Reads the shared network resources that the cloud refuses to remove, at sites of a fleet that is being removed. The
 * fleet has left them. Without a grace period, its removal waits for them.
 *
 * @param maxSites maximum number of sites to read; absent: all
 */
export async function readRefusedRemovals(
  store: Store<'fleets'>,
  placements: readonly PlacementItem[],
  maxSites = Number.POSITIVE_INFINITY,
): Promise<SharedItem[]> {
  const limit = pLimit(CONCURRENT_SITES);
  const sites = placements.filter(({ network }) => network?.mode === 'shared').slice(0, maxSites);
  const shared = await Promise.all(sites.map((site) => limit(() => readShared(store, site))));
  return shared.flat().filter((item) => !isHead(item) && item.stuck !== undefined);
}
