import type { PlacementRef } from './counters.ts';
import { type Membership, type NetworkItem, readNetworkPartition } from './networks.ts';
import { isHead, readShared, type SharedItem } from './shared-networks.ts';
import type { Store } from './store.ts';

/** A network resource that a fleet uses: its own, or a shared one. */
export type SiteResource = NetworkItem | SharedItem;

export const isShared = (item: SiteResource): item is SharedItem => 'identity' in item;

export interface SiteNetworks {
  items: SiteResource[];
  membership: Membership | undefined;
}

/**
 * Reads the network resources that a fleet uses at a site, with strongly consistent reads: its own, without those that
 * are Gone, and the shared ones that its membership names.
 */
export async function readSiteNetworks(store: Store<'fleets'>, ref: PlacementRef): Promise<SiteNetworks> {
  const { records, memberships } = await readNetworkPartition(store, ref);
  const own = records.flatMap(({ status, ...item }) => (status === 'Gone' ? [] : [{ ...item, status }]));
  const [membership] = memberships;
  if (!membership) return { items: own, membership };
  const names = new Set(membership.resources.map(({ name }) => name));
  const shared = await readShared(store, ref);
  return { items: [...own, ...shared.filter((item) => isHead(item) && names.has(item.name))], membership };
}
