import pLimit from 'p-limit';
import type { Connection } from '../../model/connection.ts';
import {
  connectionKey as connectionKeyOf,
  connectionWord,
  parseConnectionKey,
} from '../../model/identifiers.ts';
import { MAX_FLEETS_SHOWN, type Network } from '../../model/network.ts';
import { isoTime } from '../../platform/runtime/clock.ts';
import { readFleetItem } from '../../platform/store/fleets.ts';
import { type LiveFleet, liveFleetsFrom } from '../../platform/store/live-fleets.ts';
import { type NetworkItem, readNetworkPartition } from '../../platform/store/networks.ts';
import { isHead, namespaceOf, readShared, type SharedItem } from '../../platform/store/shared-networks.ts';
import type { Store } from '../../platform/store/store.ts';
import { stuckView } from '../../platform/store/stuck.ts';
import { fleetOfResource } from './network-names.ts';

export interface NetworkFilter {
  connection?: string | undefined;
  location?: string | undefined;
  unused?: boolean | undefined;
}

/** Point at which a list continues: after a shared network, or with a fleet. */
export type NetworkCursor = { connection: string; after: string } | { fleetId: string };

/** Maximum number of connections, and of fleets, that one page reads. */
const READ_PER_PAGE = 25;
const CONCURRENT_READS = 10;

/**
 * Returns a page of the networks of a namespace: first those that fleets share, by connection and location, then those
 * of single fleets, newest fleets first. A page may be short or empty and still have a cursor.
 *
 * @param connections the connections that the namespace may have fleets on, in the order of their names
 */
export async function listNetworks(
  store: Store<'fleets'>,
  namespace: string,
  connections: readonly Connection[],
  { limit, cursor, ...filter }: { limit: number; cursor?: NetworkCursor | undefined } & NetworkFilter,
): Promise<{ items: Network[]; cursor: NetworkCursor | null }> {
  const from = cursor && 'fleetId' in cursor ? cursor.fleetId : undefined;
  if (from !== undefined) return await listDedicated(store, namespace, connections, { limit, from, filter });
  const shared = cursor && 'connection' in cursor ? cursor : undefined;
  const items: Network[] = [];
  const left = connections.filter(({ name }) => name >= (shared?.connection ?? ''));
  // A connection of the namespace may have the name of one that is shared with it.
  for (const [at, [name, namesakes]] of [...Map.groupBy(left, (one) => one.name)].entries()) {
    if (at === READ_PER_PAGE) return { items, cursor: { connection: name, after: '' } };
    if (name !== (filter.connection ?? name)) continue;
    const after = name === shared?.connection ? shared.after : '';
    const found = await networksOf(store, namespace, namesakes);
    const networks = found.filter((one) => sortKey(one.item) > after && fits(filter, one.item));
    for (const { item: one, cloud } of networks.toSorted((a, b) =>
      sortKey(a.item) < sortKey(b.item) ? -1 : 1,
    )) {
      items.push({ ...sharedView(one), cloud });
      if (items.length === limit) return { items, cursor: { connection: name, after: sortKey(one) } };
    }
  }
  if (filter.unused === true) return { items, cursor: null };
  const rest = await listDedicated(store, namespace, connections, { limit: limit - items.length, filter });
  return { items: [...items, ...rest.items], cursor: rest.cursor };
}

/** Reads the networks that a namespace's fleets share on some connections. */
async function networksOf(
  store: Store<'fleets'>,
  namespace: string,
  connections: readonly Connection[],
): Promise<{ item: SharedItem; cloud: Connection['cloud'] }[]> {
  const found = await Promise.all(
    connections.map(async (connection) => {
      const items = await readShared(store, { connectionKey: connectionKeyOf(connection) });
      return items.map((item) => ({ item, cloud: connection.cloud }));
    }),
  );
  return found.flat().filter(({ item }) => item.kind === 'network' && namespaceOf(item) === namespace);
}

const sortKey = ({ location, name }: SharedItem): string => `${location}#${name}`;

const fits = ({ location, unused }: NetworkFilter, item: SharedItem): boolean =>
  (location ?? item.location) === item.location && (unused !== true || item.users === 0);

async function listDedicated(
  store: Store<'fleets'>,
  namespace: string,
  connections: readonly Connection[],
  { limit, from, filter }: { limit: number; from?: string; filter: NetworkFilter },
): Promise<{ items: Network[]; cursor: NetworkCursor | null }> {
  const { fleets, last } = await liveFleetsFrom(store, namespace, from, READ_PER_PAGE);
  const items: Network[] = [];
  for (const [at, fleet] of fleets.entries()) {
    // The cursor has a whole fleet. A page has its networks together, unless it begins with them.
    const found = await dedicatedOf(store, fleet, connections, filter);
    if (items.length > 0 && items.length + found.length > limit)
      return { items, cursor: { fleetId: fleet.fleetId } };
    items.push(...found);
    if (items.length >= limit && at < fleets.length - 1) {
      const next = fleets[at + 1];
      return { items, cursor: next ? { fleetId: next.fleetId } : null };
    }
  }
  return { items, cursor: last === undefined || last === from ? null : { fleetId: last } };
}

async function dedicatedOf(
  store: Store<'fleets'>,
  fleet: LiveFleet,
  connections: readonly Connection[],
  { connection, location }: NetworkFilter,
): Promise<Network[]> {
  const { records } = await readNetworkPartition(store, { fleetId: fleet.fleetId });
  return records.flatMap(({ status, ...item }): Network[] => {
    if (item.kind !== 'network' || status === 'Gone') return [];
    const name = nameOf(item);
    if (name !== (connection ?? name) || item.location !== (location ?? item.location)) return [];
    const cloud = connections.find((one) => one.name === name)?.cloud;
    const fleets = [{ id: fleet.fleetId, name: fleet.name }];
    return [
      { ...viewOf({ ...item, status }), mode: 'dedicated', users: 1, fleets, ...(cloud ? { cloud } : {}) },
    ];
  });
}

const nameOf = ({ connectionKey }: Pick<NetworkItem, 'connectionKey'>): string =>
  parseConnectionKey(connectionKey).name;

type Common = Pick<
  NetworkItem,
  'name' | 'connectionKey' | 'location' | 'status' | 'stuck' | 'createdAt' | 'backendId'
>;

function viewOf({ name, location, status, stuck, createdAt, backendId, ...item }: Common) {
  return {
    name,
    connection: nameOf(item),
    location,
    state: status,
    ...(stuck === undefined || status === 'Ready' ? {} : { stuck: stuckView(stuck) }),
    ...(createdAt === undefined ? {} : { createdAt }),
    ...(backendId === undefined ? {} : { backendId }),
  };
}

/** Returns a shared network without its fleets and security groups. */
export function sharedView(item: SharedItem): Network {
  const { users, cidr, leftAtMs } = item;
  return {
    ...viewOf(item),
    mode: 'shared',
    users,
    ...(cidr === undefined ? {} : { cidr }),
    ...(users === 0 ? { unusedSince: isoTime(leftAtMs) } : {}),
  };
}

/** Returns a network with its fleets and security groups; undefined if the namespace has no such network. */
export async function getNetwork(
  store: Store<'fleets'>,
  namespace: string,
  connections: readonly Connection[],
  name: string,
): Promise<Network | undefined> {
  const limit = pLimit(CONCURRENT_READS);
  const found = await Promise.all(
    connections.map((one) =>
      limit(async () => {
        const items = await readShared(store, { connectionKey: connectionKeyOf(one) });
        return { cloud: one.cloud, items };
      }),
    ),
  );
  for (const { cloud, items } of found) {
    const network = items.find(
      (one) => one.kind === 'network' && one.name === name && namespaceOf(one) === namespace,
    );
    if (!network) continue;
    const securityGroups = items
      .filter(({ networkName }) => networkName === name)
      .map((group) => {
        const { name: groupName, state, stuck } = viewOf(group);
        return { name: groupName, state, users: group.users, ...(stuck === undefined ? {} : { stuck }) };
      });
    const fleets = isHead(network) ? await fleetsIn(store, namespace, network) : [];
    return { ...sharedView(network), cloud, fleets, securityGroups };
  }
  return await findDedicated(store, namespace, connections, name);
}

/** Reads the live fleets whose membership names the network, at most MAX_FLEETS_SHOWN. */
async function fleetsIn(
  store: Store<'fleets'>,
  namespace: string,
  { connectionKey, location, name, users }: SharedItem,
): Promise<{ id: string; name: string }[]> {
  const limit = pLimit(CONCURRENT_READS);
  const fleets: { id: string; name: string }[] = [];
  let from: string | undefined;
  do {
    const page = await liveFleetsFrom(store, namespace, from, READ_PER_PAGE);
    const known = new Set(fleets.map(({ id }) => id));
    const here = page.fleets.filter(
      ({ fleetId, connections }) =>
        connections.includes(connectionWord(namespace, parseConnectionKey(connectionKey))) &&
        !known.has(fleetId),
    );
    const members = await Promise.all(
      here.map(({ fleetId }) =>
        limit(() => readNetworkPartition(store, { fleetId, connectionKey, location })),
      ),
    );
    here.forEach((fleet, at) => {
      const resources = members[at]?.memberships.flatMap((one) => one.resources) ?? [];
      if (resources.some((one) => one.name === name)) fleets.push({ id: fleet.fleetId, name: fleet.name });
    });
    from = page.last === from ? undefined : page.last;
  } while (from !== undefined && fleets.length < Math.min(users, MAX_FLEETS_SHOWN));
  return fleets.slice(0, MAX_FLEETS_SHOWN);
}

async function findDedicated(
  store: Store<'fleets'>,
  namespace: string,
  connections: readonly Connection[],
  name: string,
): Promise<Network | undefined> {
  const fleetId = fleetOfResource(name);
  if (fleetId === undefined) return undefined;
  const fleet = await readFleetItem(store, fleetId);
  if (fleet?.namespace !== namespace) return undefined;
  return (await dedicatedOf(store, fleet, connections, {})).find((one) => one.name === name);
}
