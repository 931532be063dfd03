import * as z from 'zod';
import { novaFault, type Project, type Server, secondsOf } from './state.ts';

export interface Call {
  project: Project;
  /** The parts of the path after the service's version. */
  path: readonly string[];
  query: URLSearchParams;
  body: unknown;
  nowMs: number;
}

export interface Pace {
  bootMs: number;
  deleteMs: number;
  /** Time from ACTIVE until answers have addresses. */
  addressMs: number;
}

export const FLAVOR = 'm1.small';
export const LARGE_FLAVOR = 'm1.large';
/** A flavor with more memory than a usual quota allows. */
export const HUGE_FLAVOR = 'm1.huge';
const FLAVORS = [
  { id: '1', name: FLAVOR, vcpus: 1, ram: 2_048, disk: 20 },
  { id: '2', name: 'm1.large', vcpus: 4, ram: 8_192, disk: 80 },
  { id: '3', name: HUGE_FLAVOR, vcpus: 8, ram: 1_000_000, disk: 80 },
];

const serverSchema = z.object({
  server: z.object({
    name: z.string(),
    flavorRef: z.string(),
    networks: z.array(z.object({ uuid: z.string() })),
    security_groups: z.array(z.object({ name: z.string() })),
    metadata: z.record(z.string(), z.string()),
    tags: z.array(z.string()).default([]),
    block_device_mapping_v2: z
      .array(
        z.object({
          uuid: z.string(),
          source_type: z.string(),
          delete_on_termination: z.boolean().default(false),
        }),
      )
      .default([]),
    min_count: z.number().default(1),
    return_reservation_id: z.boolean().default(false),
  }),
});
const keyPairSchema = z.object({ keypair: z.object({ name: z.string() }) });
const groupSchema = z.object({ server_group: z.object({ name: z.string() }) });
const actionSchema = z.record(z.string(), z.unknown());

export function statusAt(server: Server, nowMs: number): string {
  return server.stuck?.status ?? (nowMs >= server.runsAtMs ? 'ACTIVE' : 'BUILD');
}

/** Returns Nova's routes. A key has method and path, and `*` in it matches any single part of a path. */
export function novaRoutes(pace: Pace): Readonly<Record<string, (call: Call) => object>> {
  return {
    'GET flavors/detail': () => ({ flavors: FLAVORS }),
    'GET os-availability-zone': () => ({
      availabilityZoneInfo: [{ zoneName: 'nova', zoneState: { available: true } }],
    }),
    'GET os-keypairs': ({ project }) => ({
      keypairs: [...project.keyPairs].map((name) => ({ keypair: { name } })),
    }),
    'GET os-keypairs/*': ({ project, path: [, name = ''] }) => {
      if (!project.keyPairs.has(name)) throw novaFault('itemNotFound', 404, `Keypair ${name} not found`);
      return { keypair: { name } };
    },
    'POST os-keypairs': ({ project, body }) => {
      const { name } = keyPairSchema.parse(body).keypair;
      if (project.keyPairs.has(name)) {
        throw novaFault('conflictingRequest', 409, `Key pair '${name}' already exists.`);
      }
      project.keyPairs.add(name);
      return { keypair: { name } };
    },
    'DELETE os-keypairs/*': ({ project, path: [, name = ''] }) => {
      if (!project.keyPairs.delete(name)) throw novaFault('itemNotFound', 404, `Keypair ${name} not found`);
      return {};
    },
    'GET limits': ({ project, nowMs }) => ({
      limits: {
        absolute: {
          maxTotalInstances: -1,
          totalInstancesUsed: project.standing(nowMs).length,
          maxTotalCores: -1,
          totalCoresUsed: 0,
          maxTotalRAMSize: -1,
          totalRAMUsed: 0,
        },
      },
    }),
    'GET os-server-groups': ({ project }) => ({
      server_groups: [...project.serverGroups].map(([id, name]) => ({ id, name })),
    }),
    'POST os-server-groups': ({ project, body }) => {
      const { name } = groupSchema.parse(body).server_group;
      const id = project.newId();
      project.serverGroups.set(id, name);
      return { server_group: { id, name } };
    },
    'DELETE os-server-groups/*': ({ project, path: [, id = ''] }) => {
      if (!project.serverGroups.delete(id)) throw novaFault('itemNotFound', 404, `Instance group ${id}`);
      return {};
    },
    'POST servers': (call) => make(call, pace),
    'GET servers/detail': ({ project, query, nowMs }) => ({
      servers: recounted(project, nowMs)
        .filter((server) => query.get('status') === null || statusAt(server, nowMs) === query.get('status'))
        .filter((server) => {
          const tags = query.get('tags')?.split(',') ?? [];
          return tags.every((tag) => server.tags.includes(tag));
        })
        .filter(({ reservationId }) => (query.get('reservation_id') ?? reservationId) === reservationId)
        .map((server) => view(server.stuck?.isListed === false ? withoutFault(server) : server, nowMs)),
    }),
    'GET servers/*': (call) => {
      recounted(call.project, call.nowMs);
      return { server: view(find(call), call.nowMs) };
    },
    'DELETE servers/*': (call) => {
      const server = find(call);
      server.goneAtMs ??= call.nowMs + pace.deleteMs;
      // Nova removes the volumes of a server that ran. It leaves those of a server whose build failed.
      if (server.stuck?.status !== 'ERROR')
        for (const id of server.ownVolumeIds) call.project.volumes.delete(id);
      return {};
    },
    'POST servers/*/action': (call) => {
      const [action] = Object.keys(actionSchema.parse(call.body));
      const server = find(call);
      if (action === 'os-stop') server.stuck = { status: 'SHUTOFF' };
      if (action === 'os-start') delete server.stuck;
      return {};
    },
  };
}

function find({ project, path: [, id = ''], nowMs }: Call): Server {
  const found = project.servers.get(id);
  if (found && (found.goneAtMs === undefined || found.goneAtMs > nowMs)) return found;
  throw novaFault('itemNotFound', 404, `Instance ${id} could not be found.`);
}

/** Returns the server as a list shows it that has no faults. */
function withoutFault({ stuck, ...server }: Server): Server {
  return stuck ? { ...server, stuck: { status: stuck.status } } : server;
}

function make({ project, body, nowMs }: Call, { bootMs, addressMs }: Pace): object {
  const { server } = serverSchema.parse(body);
  recounted(project, nowMs);
  const mappings = server.block_device_mapping_v2.filter(({ source_type: from }) => from === 'volume');
  for (const { uuid } of mappings) refuseUnready(project, uuid, nowMs);
  refuseOverQuota(project, server, nowMs);
  const reservationId = `r-${project.newId().slice(-8)}`;
  const ids = Array.from({ length: server.min_count }, (_, at) => {
    const id = project.newId();
    project.servers.set(id, {
      id,
      name: server.min_count === 1 ? server.name : `${server.name}-${at + 1}`,
      metadata: server.metadata,
      tags: server.tags,
      flavor: FLAVORS.find((flavor) => flavor.id === server.flavorRef)?.name ?? '',
      networkId: server.networks[0]?.uuid ?? '',
      groupId: server.security_groups[0]?.name ?? '',
      reservationId,
      createdAtMs: nowMs,
      runsAtMs: nowMs + bootMs,
      address: `10.0.0.${project.count % 250}`,
      addressAtMs: nowMs + bootMs + addressMs,
      volumeIds: mappings.map(({ uuid }) => uuid),
      ownVolumeIds: mappings.filter((one) => one.delete_on_termination).map(({ uuid }) => uuid),
    });
    return id;
  });
  return server.return_reservation_id ? { reservation_id: reservationId } : { server: { id: ids[0] } };
}

/** Refuses a volume that is not available, as Nova's API does. */
function refuseUnready(project: Project, id: string, nowMs: number): void {
  const volume = project.volumes.get(id);
  if (!volume)
    throw novaFault('badRequest', 400, `Block Device Mapping is Invalid: failed to get volume ${id}.`);
  const status = project.volumeStatus(volume, nowMs);
  if (status === 'available') return;
  const message = `Invalid volume: Invalid input received: Invalid volume: Volume ${id} status must be available or downloading to reserve, but the current status is ${status}.`;
  throw novaFault('badRequest', 400, message);
}

/**
 * Checks the quota as Nova's API does, before it makes a server. A server that Nova's conductor has not stored yet is
 * not counted. The conductor counts again, and then sets a server beyond the quota to ERROR.
 */
function refuseOverQuota(
  project: Project,
  { flavorRef, min_count: count }: z.infer<typeof serverSchema>['server'],
  nowMs: number,
): void {
  const { storedAfterMs = 0 } = project.quota;
  const stored = project.standing(nowMs).filter(({ createdAtMs }) => createdAtMs + storedAfterMs <= nowMs);
  const flavor = FLAVORS.find(({ id }) => id === flavorRef);
  const used = usageOf(stored.map((server) => server.flavor));
  const asked = usageOf(Array.from({ length: count }, () => flavor?.name ?? ''));
  for (const [of, limit] of limitsOf(project)) {
    if (used[of] + asked[of] > limit)
      throw novaFault('forbidden', 403, overQuota(of, asked[of], used[of], limit));
  }
}

const COUNTED = ['instances', 'ram', 'cores'] as const;
type Usage = Record<(typeof COUNTED)[number], number>;

function usageOf(flavorNames: readonly string[]): Usage {
  const flavors = flavorNames.map((wanted) => FLAVORS.find(({ name }) => name === wanted));
  const sum = (of: 'ram' | 'vcpus') => flavors.reduce((total, flavor) => total + (flavor?.[of] ?? 0), 0);
  return { instances: flavors.length, ram: sum('ram'), cores: sum('vcpus') };
}

function limitsOf({ quota }: Project): [keyof Usage, number][] {
  const limits = { instances: quota.instances, ram: quota.ramMb, cores: quota.cores };
  return COUNTED.flatMap((of) => (limits[of] === undefined ? [] : [[of, limits[of]]]));
}

/**
 * Counts the quotas again for servers that Nova's conductor has stored since, and sets those beyond a quota to ERROR. A
 * server in ERROR still counts until it is deleted.
 */
function recounted(project: Project, nowMs: number): Server[] {
  const { storedAfterMs = 0, isRecountLate = false, hidesFaults = false } = project.quota;
  const standing = project.standing(nowMs);
  const stored = standing.filter(({ createdAtMs }) => createdAtMs + storedAfterMs <= nowMs);
  for (const [at, server] of stored.entries()) {
    if (server.isRecounted) continue;
    server.isRecounted = true;
    const counted = isRecountLate ? stored : stored.slice(0, at + 1);
    const used = usageOf(counted.map(({ flavor }) => flavor));
    const beyond = limitsOf(project).flatMap(([of, limit]) => (used[of] > limit ? [`'${of}'`] : []));
    const fault = `Quota exceeded for resources: [${beyond.join(', ')}]`;
    if (beyond.length > 0) server.stuck ??= { status: 'ERROR', fault, isListed: !hidesFaults };
  }
  return standing;
}

const overQuota = (of: string, asked: number, used: number, limit: number): string =>
  `Quota exceeded for ${of}: Requested ${asked}, but already used ${used} of ${limit} ${of}`;

function view(server: Server, nowMs: number): object {
  const { id, name, metadata, flavor, createdAtMs, stuck, goneAtMs, address, floating, addressAtMs } = server;
  const status = statusAt(server, nowMs);
  return {
    id,
    name,
    status,
    'OS-EXT-STS:task_state': goneAtMs === undefined ? null : 'deleting',
    'OS-EXT-AZ:availability_zone': 'nova',
    created: secondsOf(createdAtMs),
    metadata,
    addresses: status === 'BUILD' || nowMs < addressAtMs ? {} : { net: addressesOf(address, floating) },
    flavor: { original_name: flavor },
    ...(stuck?.fault === undefined ? {} : { fault: { code: 500, message: stuck.fault } }),
  };
}

function addressesOf(address: string, floating: string | undefined): object[] {
  const one = (addr: string, type: string) => ({ addr, version: 4, 'OS-EXT-IPS:type': type });
  return [one(address, 'fixed'), ...(floating === undefined ? [] : [one(floating, 'floating')])];
}
