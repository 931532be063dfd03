import { parseConnectionKey } from '../../model/identifiers.ts';
import type { Resource } from '../../model/resource.ts';
import { isGoing, isOver } from '../../model/status.ts';
import { siteName } from '../../platform/store/keys.ts';
import { type LiveFleet, liveFleetsFrom, usesConnection } from '../../platform/store/live-fleets.ts';
import { type NetworkItem, readNetworkPartition } from '../../platform/store/networks.ts';
import { liveCount, type PlacementItem, readFleetPartition } from '../../platform/store/placements.ts';
import { readShared } from '../../platform/store/shared-networks.ts';
import type { Store } from '../../platform/store/store.ts';
import { stuckView } from '../../platform/store/stuck.ts';
import { keptVolumes, volumeView } from '../volumes/volume-view.ts';
import { readRefusedRemovals } from './refused-removals.ts';

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

/** The cursor of kept disks, in place of a fleet's id. No fleet has it. */
const VOLUMES = 'f0000000000000000';
/** A key that sorts before every volume. */
const BEGIN = '!';
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
 * The disks that are kept when their machines are removed follow after the last fleet, also those of ended fleets.
 *
 * @param connectionKeys keys of the connections that the namespace may have fleets on
 * @param only a single fleet to list; absent: all fleets of the namespace
 */
export async function listResources(
  store: Store<'fleets'>,
  namespace: string,
  connectionKeys: readonly string[],
  page: { limit: number; cursor?: ResourceCursor | undefined } & ResourceFilter,
  only?: LiveFleet,
): Promise<{ items: Resource[]; cursor: ResourceCursor | null }> {
  const { limit, cursor, ...filter } = page;
  if (cursor?.fleetId === VOLUMES) return await listVolumes(store, namespace, connectionKeys, page, only);
  const { fleets, last } = only
    ? { fleets: [only], last: undefined }
    : await liveFleetsFrom(store, namespace, cursor?.fleetId, FLEETS_PER_PAGE);
  const items: Resource[] = [];
  for (const fleet of fleets) {
    if (filter.connection !== undefined && !usesConnection(fleet, filter.connection)) continue;
    const after = cursor?.fleetId === fleet.fleetId ? cursor.after : '';
    const { resources, placements } = await readResources(store, fleet);
    const members = resources.filter((item) => keyOf(item) > after && fits(filter, item));
    for (const [at, member] of members.entries()) {
      items.push(viewOf(fleet, placements, member));
      const isLast = at === members.length - 1;
      if (items.length === limit) {
        return { items, cursor: { fleetId: fleet.fleetId, after: isLast ? END : keyOf(member) } };
      }
    }
  }
  if (last !== undefined) return { items, cursor: { fleetId: last, after: END } };
  const rest = { ...filter, limit: limit - items.length };
  const volumes = await listVolumes(store, namespace, connectionKeys, rest, only);
  return { items: [...items, ...volumes.items], cursor: volumes.cursor };
}

/** Lists kept disks. @param page `limit` may be 0: the cursor then tells whether there are any */
async function listVolumes(
  store: Store<'fleets'>,
  namespace: string,
  connectionKeys: readonly string[],
  { limit, cursor, kind, connection, location, state }: Parameters<typeof listResources>[3],
  only: LiveFleet | undefined,
): Promise<{ items: Resource[]; cursor: ResourceCursor | null }> {
  if ((kind ?? 'volume') !== 'volume') return { items: [], cursor: null };
  const views = (await keptVolumes(store, namespace, connectionKeys))
    .filter(({ fleetId }) => only === undefined || fleetId === only.fleetId)
    .map(volumeView)
    .filter(
      (one) =>
        one.name > (cursor?.after ?? '') &&
        (connection ?? one.connection) === one.connection &&
        (location ?? one.location) === one.location &&
        (state ?? one.state) === one.state,
    );
  const items = views.slice(0, limit);
  const after = items.at(-1)?.name ?? BEGIN;
  return { items, cursor: views.length > limit ? { fleetId: VOLUMES, after } : null };
}

/** A network resource that a fleet uses, or waits for. `users`: the number of fleets that share it; absent: it is the fleet's own. */
type Used = Omit<NetworkItem, 'fleetId' | 'failingSinceMs' | 'claimUntilMs'> & { users?: number };

/**
 * Reads the resources that a fleet has alone, the shared ones that it uses, and the shared ones that its removal waits
 * for, in the order of their keys. Reads the placements only if there may be any such resource.
 */
async function readResources(
  store: Store<'fleets'>,
  { fleetId, status }: LiveFleet,
): Promise<{ resources: Used[]; placements: PlacementItem[] }> {
  const { records, memberships } = await readNetworkPartition(store, { fleetId });
  const isLeaving = isGoing(status) && !isOver(status);
  if (records.length + memberships.length === 0 && !isLeaving) return { resources: [], placements: [] };
  const { placements } = await readFleetPartition(store, fleetId);
  const own = records.flatMap((item) => (item.status === 'Gone' ? [] : [{ ...item, status: item.status }]));
  const shared = await Promise.all(
    memberships.map(async ({ resources, ...site }): Promise<Used[]> => {
      const items = await readShared(store, site);
      return resources.flatMap(({ name, neededBy }) => {
        const item = items.find((one) => one.name === name);
        return item ? [{ ...item, neededBy, stuck: site.stuck ?? item.stuck }] : [];
      });
    }),
  );
  const used: Used[] = [...own, ...shared.flat()];
  const refused = isLeaving ? await readRefusedRemovals(store, placements) : [];
  const left = refused
    .map((item): Used => ({ ...item, neededBy: [] }))
    .filter((item) => !used.some((one) => keyOf(one) === keyOf(item)));
  const resources = [...used, ...left];
  return { resources: resources.sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1)), placements };
}

const keyOf = ({ connectionKey, location, kind, name }: Used): string =>
  `${siteName(connectionKey, location)}#${kind}#${name}`;

function fits({ kind, connection, location, state }: ResourceFilter, item: Used): boolean {
  return (
    (kind ?? item.kind) === item.kind &&
    (connection ?? nameOf(item)) === nameOf(item) &&
    (location ?? item.location) === item.location &&
    (state ?? item.status) === item.status
  );
}

const nameOf = ({ connectionKey }: Pick<NetworkItem, 'connectionKey'>): string =>
  parseConnectionKey(connectionKey).name;

function viewOf({ fleetId, name }: LiveFleet, placements: readonly PlacementItem[], item: Used): Resource {
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
    ...(item.users === undefined ? {} : { users: item.users }),
    liveInstances: placement === undefined ? 0 : liveCount(placement),
    ...(item.stuck === undefined || item.status === 'Ready' ? {} : { stuck: stuckView(item.stuck) }),
    ...(item.createdAt === undefined ? {} : { createdAt: item.createdAt }),
    ...(item.backendId === undefined ? {} : { backendId: item.backendId }),
  };
}
