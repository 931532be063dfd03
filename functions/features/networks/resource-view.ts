import { parseConnectionKey } from '../../model/identifiers.ts';
import type { Resource } from '../../model/resource.ts';
import { networkKey, siteName } from '../../platform/store/keys.ts';
import { type LiveFleet, liveFleetsFrom } from '../../platform/store/live-fleets.ts';
import { type NetworkItem, readNetworks } from '../../platform/store/networks.ts';
import { liveCount, type PlacementItem, readFleetPartition } from '../../platform/store/placements.ts';
import type { Store } from '../../platform/store/store.ts';
import { stuckView } from '../../platform/store/stuck.ts';

export interface ResourceFilter {
  kind?: Resource['kind'] | undefined;
  connection?: string | undefined;
  location?: string | undefined;
  state?: Resource['state'] | undefined;
}

/**
 * Point at which a list continues. The next page has the resources of fleet `fleetId` whose keys sort after
 * `after`, then the resources of older fleets.
 */
export interface ResourceCursor {
  fleetId: string;
  after: string;
}

/** A key that sorts after every resource of a fleet. */
const END = '~';
/**
 * Maximum number of fleets that one page reads. The limit bounds the time of a page if few resources match
 * the filter. The cursor continues after the last fleet that was read.
 */
const FLEETS_PER_PAGE = 25;

/**
 * Returns a page of the network resources of a namespace's fleets, newest fleets first. Ended fleets are left
 * out, because they have no network resources. A page may be short or empty and still have a cursor.
 *
 * @param only a single fleet to list; absent: all fleets of the namespace
 */
export async function listResources(
  store: Store<'fleets'>,
  namespace: string,
  page: { limit: number; cursor?: ResourceCursor | undefined } & ResourceFilter,
  only?: LiveFleet,
): Promise<{ items: Resource[]; cursor: ResourceCursor | null }> {
  const { limit, cursor, ...filter } = page;
  const { fleets, last } = only
    ? { fleets: [only], last: undefined }
    : await liveFleetsFrom(store, namespace, cursor?.fleetId, FLEETS_PER_PAGE);
  const items: Resource[] = [];
  for (const fleet of fleets) {
    if (filter.connection !== undefined && !fleet.connections.includes(filter.connection)) continue;
    const after = cursor?.fleetId === fleet.fleetId ? cursor.after : '';
    const members = (await readNetworks(store, fleet)).filter(
      (item) => keyOf(item) > after && fits(filter, item),
    );
    if (members.length === 0) continue;
    const { placements } = await readFleetPartition(store, fleet.fleetId);
    for (const [at, member] of members.entries()) {
      items.push(viewOf(fleet, placements, member));
      const isLast = at === members.length - 1;
      if (items.length === limit) {
        return { items, cursor: { fleetId: fleet.fleetId, after: isLast ? END : keyOf(member) } };
      }
    }
  }
  return { items, cursor: last === undefined ? null : { fleetId: last, after: END } };
}

const keyOf = ({ fleetId, connectionKey, location, kind, name }: NetworkItem): string =>
  networkKey(fleetId, connectionKey, location, kind, name).sk;

function fits({ kind, connection, location, state }: ResourceFilter, item: NetworkItem): boolean {
  return (
    (kind ?? item.kind) === item.kind &&
    (connection ?? nameOf(item)) === nameOf(item) &&
    (location ?? item.location) === item.location &&
    (state ?? item.status) === item.status
  );
}

const nameOf = ({ connectionKey }: NetworkItem): string => parseConnectionKey(connectionKey).name;

function viewOf(
  { fleetId, name }: LiveFleet,
  placements: readonly PlacementItem[],
  item: NetworkItem,
): Resource {
  const site = siteName(item.connectionKey, item.location);
  const placement = placements.find((one) => siteName(one.connectionKey, one.location) === site);
  return {
    name: item.name,
    kind: item.kind,
    fleet: { id: fleetId, name },
    ...(placement === undefined ? {} : { cloud: placement.cloud }),
    connection: nameOf(item),
    location: item.location,
    state: item.status,
    neededBy: item.neededBy,
    liveInstances: placement === undefined ? 0 : liveCount(placement),
    ...(item.stuck === undefined || item.status === 'Ready' ? {} : { stuck: stuckView(item.stuck) }),
    ...(item.createdAt === undefined ? {} : { createdAt: item.createdAt }),
    ...(item.backendId === undefined ? {} : { backendId: item.backendId }),
  };
}
