import type { Cloud } from '../../model/cloud.ts';
import type { DriverName } from '../../model/connection.ts';
import type { FleetSpec, NodeGroup } from '../../model/fleet.ts';
import { connectionKey } from '../../model/identifiers.ts';

/** The instances of one node group at one location: positions `first` to `first + count - 1`. */
export interface GroupRange {
  group: NodeGroup;
  first: number;
  count: number;
}

/** A fleet's part at one (connection, location): one unbroken range of positions, group after group. */
export interface Placement {
  connection: string;
  connectionKey: string;
  driver: DriverName;
  cloud: Cloud;
  location: string;
  first: number;
  count: number;
  ranges: GroupRange[];
}

type Site = Pick<Placement, 'connectionKey' | 'location'>;

/** The site of a record, or of what a message is about. */
export const siteOf = ({ connectionKey, location }: Site): Site => ({ connectionKey, location });

/** Whether two things stand at the same connection and location. */
export function sameSite(a: Site, b: Site): boolean {
  return a.connectionKey === b.connectionKey && a.location === b.location;
}

/** `size` spread over `parts`, as evenly as whole numbers allow; the first ones get the rest. */
export function spreadEvenly(size: number, parts: number): number[] {
  const base = Math.floor(size / parts);
  const rest = size % parts;
  return Array.from({ length: parts }, (_, at) => base + (at < rest ? 1 : 0));
}

/**
 * Says which instance stands where. A pure function of the spec, so that every process works out the same
 * answer from the immutable record, and no payload has to carry it. Placements are sorted by connection
 * and location. A location that got nothing has an empty one: instances that fail elsewhere may move there.
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
      connectionKey: connectionKey(spec.namespace, head.group.connection),
      driver: head.group.driver,
      cloud: head.group.cloud,
      location: head.location,
      first,
      count: next - first,
      ranges,
    };
  });
}

/** The node group and home placement of one position; undefined when the fleet has no such position. */
export function groupAt(
  placements: readonly Placement[],
  index: number,
): { placement: Placement; group: NodeGroup } | undefined {
  const placement = placements.find(({ first, count }) => index >= first && index < first + count);
  const range = placement?.ranges.find(({ first, count }) => index >= first && index < first + count);
  return placement && range ? { placement, group: range.group } : undefined;
}
