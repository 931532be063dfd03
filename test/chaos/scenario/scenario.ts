import { FLEET_ACTIONS, type FleetActionRequest } from '../../../functions/model/fleet-action.ts';
import { type FleetRequest, fleetRequestSchema } from '../../../functions/model/fleet-request.ts';
import type { LimitOverride } from '../../../functions/model/limit-profile.ts';
import { type CloudConfig, cloudConfigSchema } from '../../../local/sim/engine/config.ts';
import { type Fault, type FaultKind, faultSchema } from '../../../local/sim/engine/faults.ts';
import { CALM, type Disturbance } from '../ground/disturbance.ts';
import { Random } from '../time/random.ts';
import { withDoors } from './doors.ts';
import {
  type RestoreScript,
  restoreOf,
  type SecondWriterScript,
  secondWriterOf,
} from './draw-deployments.ts';
import { OUTSIDE_DEEDS, type OutsideDeed } from './outside.ts';

const MINUTE_MS = 60_000;
const CLOUD_NAMES = ['aws', 'gcp', 'openstack'] as const;
type CloudName = (typeof CLOUD_NAMES)[number];

export interface FleetScript {
  request: FleetRequest;
  createAtMs: number;
  /**
   * Times at which the user deletes the fleet during the trouble, the time in which things go wrong. Each
   * entry is one request.
   */
  deleteAtMs: readonly number[];
  /** Actions that the user requests, even if the fleet's status does not allow them. */
  actions: readonly { atMs: number; request: FleetActionRequest }[];
}

/**
 * Something that goes wrong at a cloud or at a table for a while. `forgotten`: the cloud denies that any
 * machine at a location exists, and shows these machines again afterwards. `rotated`: the user rotates a
 * connection to another account and back. `account-changed`: a connection's credential reaches another
 * account, and no request announces that. `empty-list`: the next list of a location's machines is empty. `outside`: a
 * user changes a machine in the cloud's console.
 */
export type Incident =
  | { kind: 'location-down'; cloud: CloudName; location: string; atMs: number; untilMs: number }
  | { kind: 'revoked'; account: string; atMs: number; untilMs: number }
  | { kind: 'forgotten'; cloud: CloudName; account: string; location: string; atMs: number; untilMs: number }
  | { kind: 'rotated'; connection: string; account: string; atMs: number; untilMs: number }
  | { kind: 'account-changed'; account: string; atMs: number; untilMs: number }
  | { kind: 'empty-list'; cloud: CloudName; location: string; atMs: number; untilMs: number }
  | { kind: 'outside'; cloud: CloudName; deed: OutsideDeed; atMs: number; untilMs: number }
  | { kind: 'table-down'; table: 'fleets' | 'governor' | 'access'; atMs: number; untilMs: number };

/**
 * Something at a cloud that no create call made. `another`: a machine of another deployment. `unmarked`: a
 * machine without tags of any deployment. `lost`: a machine with this deployment's tags and the id of a fleet
 * that never existed. `copy`: a copy of one of this deployment's machines. `ended`: a network of a fleet that
 * has ended.
 */
export interface Planted {
  account: string;
  cloud: CloudName;
  whose: 'another' | 'unmarked' | 'lost' | 'copy' | 'ended';
  atMs: number;
}

/** A connection that is created and deleted while other requests use it or its name. */
export interface Turnover {
  name: string;
  cloud: CloudName;
  /**
   * `own`: a namespace that is created and deleted, too. `default`: the namespace of all other connections.
   */
  namespace: 'own' | 'default';
  atMs: number;
  /** Time within which requests of one group begin, in ms. */
  withinMs: number;
  /**
   * Number of requests that create the connection. After these, the requests to rotate it, to create fleets
   * on it and to delete it begin together.
   */
  creates: number;
  rotations: number;
  fleets: readonly FleetRequest[];
  deletes: number;
}

/** All inputs of a run, drawn from the seed. */
export interface Scenario {
  seed: number;
  clouds: Readonly<Record<string, CloudConfig>>;
  /** `limits`: limits that the user sets, in addition to the limits that the cloud enforces. */
  connections: readonly { name: string; cloud: CloudName; limits?: LimitOverride }[];
  fleets: readonly FleetScript[];
  /** Time in ms for which shared networks are kept after their last fleet has left them. Omit it for 0. */
  networkGraceMs?: number;
  disturbance: Disturbance;
  cloudFaults: readonly Fault[];
  incidents: readonly Incident[];
  /** Time in ms in which things go wrong, from the first request on. */
  troubleMs: number;
  /** Maximum time in ms by which a process's clock may be fast or slow. */
  skewMs: number;
  sweepIntervalMs: number;
  /** Grace period: time for which sweeps keep an orphan before they remove it. */
  graceSeconds: number;
  planted: readonly Planted[];
  turnovers?: readonly Turnover[];
  /** Omit it for a run without a restore. */
  restore?: RestoreScript | undefined;
  /** Omit it for a run with one deployment. */
  secondWriter?: SecondWriterScript | undefined;
  driverConcurrency: number;
  driverTimeoutMs: number;
  /** Maximum number of machines in one create call; 1: the clouds have no batch call. */
  batchSize: number;
  /** False if the clouds do not say to which account a credential belongs. */
  tellsAccounts?: boolean;
  /** True if many machines of deleted fleets show up again at one site. */
  hasLeftovers?: boolean;
  /** True if an operator continues sweeps that are on hold. */
  hasOperator?: boolean;
}

export function scenarioOf(seed: number): Scenario {
  const random = new Random(seed, 'scenario');
  const clouds = CLOUD_NAMES.slice(0, random.int(2, 3));
  const answers = new Random(seed, 'answers');
  const configs = Object.fromEntries(
    clouds.map((name) => [
      name,
      withZones(new Random(seed, `zones of ${name}`), {
        ...cloud(random),
        answersWhenRunning: answers.chance(0.2),
        ...lateAddresses(seed, name),
        ipv6: new Random(seed, `IPv6 of ${name}`).chance(0.3),
      }),
    ]),
  );
  const connections = clouds.map((name) => ({ name: `sim-${name}`, cloud: name, limits: limits(random) }));
  const sharing = new Random(seed, 'sharing');
  const fleets = [
    ...sharers(sharing, withDoors(seed, fleetScripts(random, connections, configs))),
    ...passersBy(sharing, connections, configs),
  ];
  const troubleMs = random.int(8, 40) * MINUTE_MS;
  const disturbed = disturbance(random);
  const faults = cloudFaults(random);
  // Uses its own random stream, so that the other draws of the seed do not change.
  const identity = new Random(seed, 'identity');
  const scenario = {
    seed,
    clouds: configs,
    connections,
    fleets,
    networkGraceMs: sharing.pick([0, 0, 20_000, 5 * MINUTE_MS, 20 * MINUTE_MS]),
    disturbance: disturbed,
    cloudFaults: faults,
    incidents: [
      ...incidents(random, connections, troubleMs),
      ...losses(seed, connections, troubleMs),
      ...rotations(identity, connections, troubleMs),
      ...emptyLists(seed, configs, fleets, faults),
      ...deedsOutside(seed, clouds, troubleMs),
    ],
    troubleMs,
    sweepIntervalMs: random.int(3, 10) * MINUTE_MS,
    graceSeconds: random.int(60, 600),
    planted: planted(random, connections),
    driverConcurrency: random.int(2, 6),
    driverTimeoutMs: random.pick([20_000, 60_000]),
    skewMs: random.chance(0.1) ? 10 * MINUTE_MS : 0,
    batchSize: random.chance(0.3) ? random.int(2, 10) : 1,
    tellsAccounts: identity.chance(0.8),
    hasLeftovers: identity.chance(0.6),
    hasOperator: true,
    turnovers: turnovers(seed, clouds, configs),
    restore: restoreOf(seed, troubleMs),
  };
  return { ...scenario, secondWriter: secondWriterOf(seed, troubleMs, settled(scenario)) };
}

/**
 * Returns the connections without an `account-changed` incident, which would hide the first deployment's
 * marks from a second deployment.
 */
function settled({
  connections,
  incidents: befalling,
}: Pick<Scenario, 'connections' | 'incidents'>): string[] {
  const changed = befalling.flatMap((one) => (one.kind === 'account-changed' ? [one.account] : []));
  return connections.map(({ name }) => name).filter((name) => !changed.includes(name));
}

function turnovers(seed: number, clouds: readonly CloudName[], configs: Scenario['clouds']): Turnover[] {
  const random = new Random(seed, 'turnovers');
  if (random.chance(0.6)) return [];
  return Array.from({ length: random.int(1, 2) }, (_, at): Turnover => {
    const cloudName = random.pick(clouds);
    const name = `turn-${at}`;
    const namespace = random.chance(0.25) ? 'own' : 'default';
    return {
      name,
      cloud: cloudName,
      namespace,
      atMs: random.int(0, 4 * MINUTE_MS),
      withinMs: random.pick([0, 100, 200, 2_000]),
      creates: random.int(1, 5),
      rotations: random.int(0, 2),
      fleets:
        namespace === 'own' ? [] : fleetsOn(random, name, Object.keys(configs[cloudName]?.locations ?? {})),
      deletes: random.int(1, 2),
    };
  });
}

function fleetsOn(random: Random, connection: string, locations: readonly string[]): FleetRequest[] {
  return Array.from({ length: random.int(1, 4) }, (_, at) =>
    fleetRequestSchema.parse({
      name: `on-${connection}-${at}`,
      failurePolicy: 'continue',
      nodeGroups: [
        {
          name: 'all',
          size: random.int(1, 2),
          connection,
          locations: locations.slice(0, 1),
          instanceType: 'small',
          image: 'linux',
        },
      ],
    }),
  );
}

/** Draws a rotation of one connection to another account and back. */
function rotations(random: Random, connections: Scenario['connections'], troubleMs: number): Incident[] {
  if (!random.chance(0.2)) return [];
  const { name: connection } = random.pick(connections);
  const atMs = random.int(2 * MINUTE_MS, Math.floor(troubleMs / 2));
  const untilMs = atMs + random.pick([120_000, 600_000, 3_600_000]);
  return [{ kind: 'rotated', connection, account: `${connection}-other`, atMs, untilMs }];
}

/** Draws the user's own limits. Sets few limits together, so that fleets still run. */
function limits(random: Random): LimitOverride {
  return {
    ...(random.chance(0.25) ? { createsPerMinute: random.int(5, 30) } : {}),
    ...(random.chance(0.2) ? { minimumSpacingMs: random.int(100, 3_000) } : {}),
    ...(random.chance(0.3) ? { pacing: random.pick(['even', 'all-at-once'] as const) } : {}),
    ...(random.chance(0.1) ? { totals: { instances: random.int(20, 60) } } : {}),
  };
}

function planted(random: Random, connections: Scenario['connections']): Planted[] {
  const whose = ['another', 'unmarked', 'lost', 'copy', 'copy', 'ended', 'ended'] as const;
  if (random.chance(0.5)) return [];
  return Array.from({ length: random.int(1, 4) }, () => {
    const { name, cloud: cloudName } = random.pick(connections);
    const one = { account: name, cloud: cloudName, whose: random.pick(whose) };
    const atMs = random.int(0, 10 * MINUTE_MS);
    // A copy needs an original to copy, and an ended fleet needs time to end.
    if (one.whose === 'copy') return { ...one, atMs: 25 * MINUTE_MS + 2 * atMs };
    return { ...one, atMs: one.whose === 'ended' ? 5 * MINUTE_MS + 3 * atMs : atMs };
  });
}

const LOCATIONS = ['east-1', 'west-1', 'north-1'];

function cloud(random: Random): CloudConfig {
  const rate = (perSecond: number) => ({ perSecond, burst: perSecond * random.int(2, 4) });
  const names = LOCATIONS.slice(0, random.int(1, 3));
  const locations = names.map((name) => [
    name,
    { displayName: name, country: 'DEU', latitude: 0, longitude: 0, zones: [`${name}a`] },
  ]);
  return cloudConfigSchema.parse({
    slots: { locations: random.int(1, 3), instancesPerLocation: random.int(2, 10) },
    rates: { create: rate(random.int(2, 8)), list: rate(random.int(3, 8)), mutate: rate(random.int(4, 12)) },
    submitMs: [100, random.pick([400, 1_500])],
    bootSeconds: [4, random.pick([10, 20, 60])],
    terminateSeconds: [1, random.pick([4, 20])],
    instanceQuota: random.chance(0.25) ? random.int(3, 12) : 200,
    honoursTokens: random.chance(0.7),
    tags: random.chance(0.8),
    listDelayMs: random.chance(0.4) ? random.int(0, 3_000) : 0,
    ids: {
      instance: 'i-{hex12}',
      network: 'net-{hex12}',
      subnet: 'sub-{hex12}',
      securityGroup: 'sg-{hex12}',
      keyPair: 'key-{hex12}',
    },
    locations: Object.fromEntries(locations),
    instanceTypes: {
      small: { vcpus: 2, memoryGb: 4, usdPerHour: 0.05 },
      large: { vcpus: 4, memoryGb: 16, usdPerHour: 0.2 },
    },
    images: { linux: { backendId: 'img-{hex8}', description: 'Linux' } },
  });
}

/** Draws how late a cloud shows the addresses of a machine. */
function lateAddresses(seed: number, name: CloudName): Pick<CloudConfig, 'addressSeconds'> {
  const random = new Random(seed, `addresses of ${name}`);
  return { addressSeconds: random.chance(0.7) ? [0, 0] : [0, random.pick([5, 30, 120])] };
}

/** Draws what users do in the clouds' consoles. A machine that they stop is started before the trouble ends. */
function deedsOutside(seed: number, clouds: readonly CloudName[], troubleMs: number): Incident[] {
  const random = new Random(seed, 'outside');
  if (random.chance(0.4)) return [];
  return Array.from({ length: random.int(1, 6) }, (): Incident => {
    const atMs = random.int(20_000, Math.floor(troubleMs / 2));
    const untilMs = atMs + random.int(10_000, 5 * MINUTE_MS);
    return { kind: 'outside', cloud: random.pick(clouds), deed: random.pick(OUTSIDE_DEEDS), atMs, untilMs };
  });
}

/** Draws the zones of a cloud's locations. Some zones have room for few machines, or for none. */
function withZones(random: Random, config: CloudConfig): CloudConfig {
  const locations = Object.entries(config.locations).map(([name, location]) => {
    const zones = ['a', 'b', 'c'].slice(0, random.pick([1, 2, 3, 3])).map((letter) => `${name}${letter}`);
    const small = zones.filter(() => random.chance(0.3));
    const zoneCapacity = Object.fromEntries(small.map((zone) => [zone, random.int(0, 6)]));
    return [name, { ...location, zones, zoneCapacity }] as const;
  });
  return { ...config, locations: Object.fromEntries(locations) };
}

/** Lets some of the fleets use the networks that fleets share. */
const sharers = (random: Random, scripts: readonly FleetScript[]): FleetScript[] =>
  scripts.map((script) =>
    random.chance(0.6) ? { ...script, request: { ...script.request, network: { mode: 'shared' } } } : script,
  );

/**
 * Draws small fleets that come and go at one site at the same time. Some begin when others end, so that a network's
 * last user leaves while another fleet joins.
 */
function passersBy(
  random: Random,
  connections: Scenario['connections'],
  clouds: Scenario['clouds'],
): FleetScript[] {
  if (random.chance(0.6)) return [];
  const { name: connection, cloud: cloudName } = random.pick(connections);
  const location = random.pick(Object.keys(clouds[cloudName]?.locations ?? {}));
  return Array.from({ length: random.int(2, 6) }, (_, at): FleetScript => {
    const createAtMs = random.int(0, 6 * MINUTE_MS);
    const request = fleetRequestSchema.parse({
      name: `passer-${at}`,
      failurePolicy: random.pick(['continue', 'rollback', 'refine']),
      network: { mode: 'shared' },
      nodeGroups: [
        {
          name: 'all',
          size: random.int(1, 2),
          connection,
          locations: [location],
          instanceType: 'small',
          image: 'linux',
          ...(random.chance(0.3) ? { ssh: { allowFrom: '10.0.0.0/8' } } : {}),
        },
      ],
    });
    const deleteAtMs = [createAtMs + random.pick([2_000, 30_000, 90_000, 200_000]) + random.int(0, 10_000)];
    return { request, createAtMs, actions: [], deleteAtMs: random.chance(0.8) ? deleteAtMs : [] };
  });
}

function fleetScripts(
  random: Random,
  connections: Scenario['connections'],
  clouds: Scenario['clouds'],
): FleetScript[] {
  const count = random.int(1, 3);
  const total = random.int(10, 60);
  const racing = count > 1 && random.chance(0.2);
  return Array.from({ length: count }, (_, at) => {
    const groups = random.shuffle(connections).slice(0, random.int(1, connections.length));
    const size = Math.max(groups.length, Math.round(total / count));
    const createAtMs = racing ? random.int(0, 200) : random.int(0, 3 * MINUTE_MS);
    const request = fleetRequestSchema.parse({
      name: racing ? 'racing' : `fleet-${at}`,
      failurePolicy: random.pick(['continue', 'continue', 'rollback', 'refine']),
      ...(random.chance(0.3) ? { minimumInstances: random.int(1, size) } : {}),
      ...(random.chance(0.4) ? { priority: random.pick(['low', 'high'] as const) } : {}),
      ...(random.chance(0.1)
        ? { hold: random.chance(0.5) ? { expiresInSeconds: random.int(60, 900) } : {} }
        : {}),
      nodeGroups: groups.map(({ name, cloud: cloudName }, index) => ({
        name: `group-${index}`,
        size: Math.floor(size / groups.length) + (index === 0 ? size % groups.length : 0),
        connection: name,
        locations: random
          .shuffle(Object.keys(clouds[cloudName]?.locations ?? {}))
          .slice(0, random.int(1, LOCATIONS.length)),
        ...(random.chance(0.15) ? { minimumInstances: 1 } : {}),
        instanceType: 'small',
        image: 'linux',
        ...(random.chance(0.3) ? { ssh: { allowFrom: '10.0.0.0/8' } } : {}),
        ...(random.chance(0.3) ? { instanceTimeoutSeconds: random.pick([60, 180, 600]) } : {}),
      })),
    });
    const deleted = random.chance(0.45);
    const deleteAtMs =
      createAtMs + random.pick([500, 5_000, 30_000, 90_000, 600_000]) + random.int(0, 20_000);
    return {
      request,
      createAtMs,
      actions: random.chance(0.4) ? actions(random, createAtMs) : [],
      deleteAtMs: deleted
        ? [deleteAtMs, ...(random.chance(0.4) ? [deleteAtMs + random.int(0, 90_000)] : [])]
        : [],
    };
  });
}

function actions(random: Random, createAtMs: number): FleetScript['actions'] {
  return Array.from({ length: random.int(1, 4) }, () => {
    const action = random.pick(FLEET_ACTIONS);
    const request: FleetActionRequest =
      action === 'hold' && random.chance(0.5)
        ? { action, expiresInSeconds: random.int(60, 900) }
        : { action };
    return {
      atMs: createAtMs + random.pick([2_000, 20_000, 90_000, 300_000, 900_000]) + random.int(0, 20_000),
      request,
    };
  });
}

function disturbance(random: Random): Disturbance {
  const some = (chance: number, most: number) =>
    random.chance(chance) ? random.between(most / 10, most) : 0;
  return {
    ...CALM,
    kill: some(0.8, 0.003),
    newProcess: 0.1,
    slow: some(0.6, 0.02),
    throttle: some(0.5, 0.004),
    shortPage: 0.2,
    conflict: some(0.6, 0.02),
    repeatedWrite: some(0.5, 0.01),
    lostWrite: some(0.5, 0.004),
    serviceError: some(0.5, 0.006),
    duplicate: some(0.7, 0.08),
    late: some(0.5, 0.05),
    lateToken: some(0.5, 0.1),
    ignoredRemoval: some(0.4, 0.3),
  };
}

const FAULTS: readonly {
  kind: FaultKind;
  most: number;
  call?: string;
  delayMs?: readonly [number, number];
}[] = [
  { kind: 'throttle', most: 0.1 },
  { kind: 'capacity', most: 0.2 },
  { kind: 'quota', most: 0.05, call: 'create' },
  { kind: 'error', most: 0.1 },
  { kind: 'loseReplyBeforeEffect', most: 0.1 },
  { kind: 'loseReplyAfterEffect', most: 0.15 },
  { kind: 'timeout', most: 0.04 },
  { kind: 'delay', most: 0.05, delayMs: [1_000, 20_000] },
  { kind: 'duplicateEffect', most: 0.05 },
  { kind: 'staleList', most: 0.1, delayMs: [500, 1_500] },
  { kind: 'vanish', most: 0.01 },
  { kind: 'stuckTerminating', most: 0.2, delayMs: [10_000, 120_000] },
  { kind: 'bootFailure', most: 0.1 },
];

function cloudFaults(random: Random): Fault[] {
  return FAULTS.flatMap(({ kind, most, call, delayMs }) =>
    random.chance(0.35)
      ? [
          faultSchema.parse({
            kind,
            probability: random.between(most / 10, most),
            ...(call === undefined ? {} : { call }),
            ...(delayMs === undefined ? {} : { delayMs: random.int(...delayMs) }),
          }),
        ]
      : [],
  );
}

/**
 * Draws machines that vanish and come back. Uses its own random stream, so that the other draws of the seed
 * do not change.
 */
function losses(seed: number, connections: Scenario['connections'], troubleMs: number): Incident[] {
  const random = new Random(seed, 'losses');
  const span = () => {
    const atMs = random.int(MINUTE_MS, Math.floor(troubleMs / 2));
    return { atMs, untilMs: atMs + random.pick([2, 6, 20]) * MINUTE_MS };
  };
  const { name, cloud: cloudName } = random.pick(connections);
  if (random.chance(0.2)) {
    const location = random.pick(LOCATIONS.slice(0, 1));
    return [{ kind: 'forgotten', cloud: cloudName, account: name, location, ...span() }];
  }
  return random.chance(0.1) ? [{ kind: 'account-changed', account: name, ...span() }] : [];
}

/**
 * Draws lists that are wrongly empty: at most one for each location, most of them while machines are being
 * removed. Draws them only for clouds whose lists never lag. At other clouds, young machines may also be
 * missing from the next list. Workers take two such lists in a row as proof that machines are gone.
 */
function emptyLists(
  seed: number,
  configs: Scenario['clouds'],
  fleets: readonly FleetScript[],
  faults: readonly Fault[],
): Incident[] {
  const random = new Random(seed, 'empty-lists');
  if (random.chance(0.6) || faults.some(({ kind }) => kind === 'staleList')) return [];
  const removals = fleets.flatMap(({ deleteAtMs }) => deleteAtMs);
  const current = CLOUD_NAMES.filter((cloud) => configs[cloud]?.listDelayMs === 0);
  return current.flatMap((cloud) =>
    Object.keys(configs[cloud]?.locations ?? {}).flatMap((location): Incident[] => {
      const soonMs = random.int(500, 20_000);
      const atMs = removals.length > 0 ? random.pick(removals) + soonMs : MINUTE_MS + 10 * soonMs;
      if (random.chance(0.3)) return [];
      return [{ kind: 'empty-list', cloud, location, atMs, untilMs: atMs }];
    }),
  );
}

function incidents(random: Random, connections: Scenario['connections'], troubleMs: number): Incident[] {
  const found: Incident[] = [];
  const span = () => {
    const atMs = random.int(0, Math.floor(troubleMs / 2));
    return { atMs, untilMs: atMs + random.pick([20_000, 120_000, 600_000, 3_600_000]) };
  };
  if (random.chance(0.25)) {
    const { cloud: name } = random.pick(connections);
    found.push({
      kind: 'location-down',
      cloud: name,
      location: random.pick(LOCATIONS.slice(0, 1)),
      ...span(),
    });
  }
  if (random.chance(0.15)) found.push({ kind: 'revoked', account: random.pick(connections).name, ...span() });
  if (random.chance(0.15)) {
    const table = random.pick(['fleets', 'governor', 'access'] as const);
    const atMs = random.int(0, Math.floor(troubleMs / 2));
    const untilMs = atMs + random.pick([20_000, 120_000, 600_000]);
    found.push({ kind: 'table-down', table, atMs, untilMs });
  }
  return found;
}
