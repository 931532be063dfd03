import pLimit from 'p-limit';
import type { Connection } from '../../model/connection.ts';
import { connectionKey, parseConnectionKey } from '../../model/identifiers.ts';
import { type InstanceStatus, isClosed } from '../../model/status.ts';
import { layOut } from '../../platform/placement/lay-out.ts';
import { allConnections } from '../../platform/store/connections.ts';
import { parseFleetItem, readSpec } from '../../platform/store/fleets.ts';
import { readInstanceRange } from '../../platform/store/instances.ts';
import { liveFleetIds } from '../../platform/store/live-fleets.ts';
import { allNamespaces } from '../../platform/store/namespaces.ts';
import { readNetworkPartition } from '../../platform/store/networks.ts';
import { liveCount, readFleetPartition } from '../../platform/store/placements.ts';
import { readShared, type SharedItem } from '../../platform/store/shared-networks.ts';
import type { Store } from '../../platform/store/store.ts';
import { readVolumes } from '../../platform/store/volumes.ts';

const CONCURRENT_READS = 10;

/** A live fleet, with what it has at each site. */
export interface StandingFleet {
  namespace: string;
  fleetId: string;
  name: string;
  status: string;
  sites: { connection: string; location: string; instances: number }[];
  /** Number of network resources, the shared ones that the fleet uses included. */
  networks: number;
}

/** What a deployment still has, as its records say. */
export interface Standing {
  fleets: StandingFleet[];
  connections: Connection[];
}

/** Reads all live fleets of all namespaces, and all connections. */
export async function readStanding(store: Store<'access' | 'fleets'>): Promise<Standing> {
  const limit = pLimit(CONCURRENT_READS);
  const ids = await liveIds(store);
  const fleets = await Promise.all(
    ids.map(({ namespace, fleetId }) => limit(() => readStandingFleet(store, namespace, fleetId))),
  );
  return {
    fleets: fleets.filter((one) => one !== undefined),
    connections: await allConnections(store, { consistent: true }),
  };
}

async function liveIds(store: Store<'access' | 'fleets'>): Promise<{ namespace: string; fleetId: string }[]> {
  const ids: { namespace: string; fleetId: string }[] = [];
  for (const { name: namespace } of await allNamespaces(store, { consistent: true })) {
    for (const fleetId of await liveFleetIds(store, namespace)) ids.push({ namespace, fleetId });
  }
  return ids;
}

async function readStandingFleet(
  store: Store<'fleets'>,
  namespace: string,
  fleetId: string,
): Promise<StandingFleet | undefined> {
  const { meta, placements } = await readFleetPartition(store, fleetId);
  if (meta === undefined) return undefined;
  const { name, status } = parseFleetItem(meta);
  return {
    namespace,
    fleetId,
    name,
    status,
    sites: placements.map((one) => ({
      connection: one.connection,
      location: one.location,
      instances: liveCount(one),
    })),
    networks: await countNetworks(store, fleetId),
  };
}

async function countNetworks(store: Store<'fleets'>, fleetId: string): Promise<number> {
  const { records, memberships } = await readNetworkPartition(store, { fleetId });
  const own = records.filter(({ status }) => status !== 'Gone');
  return own.length + memberships.reduce((sum, { resources }) => sum + resources.length, 0);
}

/** A machine that may exist. `backendId` is null if the cloud's answer to its create call is not known. */
export interface StandingMachine {
  namespace: string;
  connection: string;
  cloud: string;
  location: string;
  zone: string | null;
  backendId: string | null;
  /** The machine's name, which is the id of its instance. */
  name: string;
  fleet: string;
  status: InstanceStatus;
  publicIp: string | null;
  privateIp: string | null;
  launchToken: string;
}

/** A network resource that may exist. */
export interface StandingNetwork {
  namespace: string;
  connection: string;
  cloud: string;
  location: string;
  kind: string;
  backendId: string | null;
  name: string;
  /** The fleet that has the resource alone; null for a resource that fleets share. */
  fleet: string | null;
}

/** A disk that is kept when its machine is removed. It is never removed with the deployment. */
export interface StandingDisk {
  namespace: string;
  connection: string;
  cloud: string;
  location: string;
  backendId: string;
  /** Id of the instance whose disk it is, or was. */
  name: string;
  fleet: string;
  sizeGb: number;
  type: string | null;
  usdPerMonth: number | null;
}

async function readKeptDisks(
  store: Store<'fleets'>,
  connections: readonly Connection[],
): Promise<StandingDisk[]> {
  const items = await Promise.all(connections.map((one) => readVolumes(store, connectionKey(one))));
  return items.flat().map((one) => ({
    namespace: one.namespace,
    connection: one.connection,
    cloud: one.cloud,
    location: one.location,
    backendId: one.backendId,
    name: one.instanceId,
    fleet: one.fleetName,
    sizeGb: one.sizeGb,
    type: one.type ?? null,
    usdPerMonth: one.usdPerMonth ?? null,
  }));
}

/** Reads every machine of live fleets, every network resource, and every kept disk that may exist at a cloud. */
export async function readPossessions(
  store: Store<'access' | 'fleets'>,
): Promise<{ machines: StandingMachine[]; networks: StandingNetwork[]; keptDisks: StandingDisk[] }> {
  const machines: StandingMachine[] = [];
  const networks: StandingNetwork[] = [];
  const connections = await allConnections(store, { consistent: true });
  const cloudOf = (namespace: string, name: string) =>
    connections.find((one) => one.namespace === namespace && one.name === name)?.cloud ?? 'unknown';
  for (const { namespace, fleetId } of await liveIds(store)) {
    const spec = await readSpec(store, fleetId);
    const placements = layOut(spec);
    const last = Math.max(...placements.map(({ first, count }) => first + count - 1));
    for (const record of await readInstanceRange(store, fleetId, 0, last)) {
      if (isClosed(record.status) || record.status === 'Planned') continue;
      const connection = parseConnectionKey(record.connectionKey).name;
      machines.push({
        namespace,
        connection,
        cloud: cloudOf(namespace, connection),
        location: record.location,
        zone: record.zone ?? null,
        backendId: record.backendId ?? null,
        name: record.instanceId,
        fleet: spec.name,
        status: record.status,
        publicIp: record.publicIp ?? null,
        privateIp: record.privateIp ?? null,
        launchToken: record.launchToken,
      });
    }
    const { records } = await readNetworkPartition(store, { fleetId });
    const own = records.filter(({ status }) => status !== 'Gone');
    networks.push(...own.map((one) => standingNetwork(one, cloudOf, spec.name)));
  }
  for (const connection of connections) {
    const shared = await readShared(store, { connectionKey: connectionKey(connection) });
    networks.push(...shared.map((one) => standingNetwork(one, cloudOf, null)));
  }
  return { machines, networks, keptDisks: await readKeptDisks(store, connections) };
}

function standingNetwork(
  {
    connectionKey: key,
    location,
    kind,
    backendId,
    name,
  }: Pick<SharedItem, 'connectionKey' | 'location' | 'kind' | 'backendId' | 'name'>,
  cloudOf: (namespace: string, connection: string) => string,
  fleet: string | null,
): StandingNetwork {
  const { namespace, name: connection } = parseConnectionKey(key);
  const cloud = cloudOf(namespace, connection);
  return { namespace, connection, cloud, location, kind, backendId: backendId ?? null, name, fleet };
}
