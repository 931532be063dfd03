import type { Cloud } from '../../model/cloud.ts';
import type { DriverName } from '../../model/connection.ts';
import type { FleetSpec, NodeGroup } from '../../model/fleet.ts';
import { connectionKey } from '../../model/identifiers.ts';
import type { SiteNetwork } from '../../model/network-choice.ts';

/**
 * The instances of one node group at one location. Their positions (numbers in the fleet) are `first` to `first + count
 * - 1`.
 */
export interface GroupRange {
  group: NodeGroup;
  first: number;
  count: number;
}

/** A fleet's share of one site. Its positions form one unbroken range, ordered by node group. */
export interface Placement {
  connection: string;
  connectionKey: string;
  driver: DriverName;
  cloud: Cloud;
  location: string;
  network: SiteNetwork;
  first: number;
  count: number;
  ranges: GroupRange[];
}

type Site = Pick<Placement, 'connectionKey' | 'location'>;

/** Returns the site of a record or of a message. */
export const siteOf = ({ connectionKey, location }: Site): Site => ({ connectionKey, location });

export function sameSite(a: Site, b: Site): boolean {
  return a.connectionKey === b.connectionKey && a.location === b.location;
}

/** Divides `size` into `parts` whole numbers that differ by at most 1. The larger numbers come first. */
export function spreadEvenly(size: number, parts: number): number[] {
  const base = Math.floor(size / parts);
  const rest = size % parts;
  return Array.from({ length: parts }, (_, at) => base + (at < rest ? 1 : 0));
}

/**
 * Assigns the positions of a fleet's instances to sites. The result depends only on the spec, which never changes.
 * Every process therefore computes the same placements, and no message has to contain them. Placements are sorted by
 * connection and location. A location without instances has an empty placement, because instances that fail at another
 * location may move there.
 */
export function layOut(spec: FleetSpec): Placement[] {
  const bySite = new Map<string, { group: NodeGroup; location: string; count: number }[]>();
  for (const group of spec.nodeGroups) {
    const counts = spreadEvenly(group.size, group.locations.length);
    group.locations.forEach((location, at) => {
      const count = counts[at] ?? 0;
      const site = `${group.connection}\n${location}`;
      const entries = bySite.get(site);
      if (entries) entries.push({ group, location, count });
      else bySite.set(site, [{ group, location, count }]);
    });
  }
  let next = 0;
  return [...bySite.keys()].sort().flatMap((site) => {
    const entries = bySite.get(site) ?? [];
    const [head] = entries;
    if (!head) return [];
    const first = next;
    const ranges = entries.map(({ group, count }) => {
      const range = { group, first: next, count };
      next += count;
      return range;
    });
    return {
      connection: head.group.connection,
      connectionKey: connectionKey({
        driver: head.group.driver,
        namespace: head.group.sharedBy ?? spec.namespace,
        name: head.group.connection,
      }),
      driver: head.group.driver,
      cloud: head.group.cloud,
      location: head.location,
      network: networkAt(spec, head.group.connection, head.location),
      first,
      count: next - first,
      ranges,
    };
  });
}

/** Fleets that an earlier release accepted have no `networks`. Each has network resources of its own. */
function networkAt({ networks = [] }: FleetSpec, connection: string, location: string): SiteNetwork {
  const chosen = networks.find((one) => one.connection === connection && one.location === location);
  return chosen?.network ?? { mode: 'dedicated' };
}

/** Finds the node group and the initial placement of a position; undefined if the fleet has no such position. */
export function groupAt(
  placements: readonly Placement[],
  index: number,
): { placement: Placement; group: NodeGroup } | undefined {
  const placement = placements.find(({ first, count }) => index >= first && index < first + count);
  const range = placement?.ranges.find(({ first, count }) => index >= first && index < first + count);
  return placement && range ? { placement, group: range.group } : undefined;
}
