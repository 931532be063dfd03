import { type FleetRequest, fleetRequestSchema } from '../../../functions/model/fleet-request.ts';
import { type CloudConfig, cloudConfigSchema } from '../../../local/sim/engine/config.ts';
import { CALM } from '../ground/disturbance.ts';
import type { Scenario } from './scenario.ts';

const MINUTE_MS = 60_000;
const LOCATIONS = ['east-1', 'west-1'];

/** Settings of a cloud that a test may change. */
type CloudTraits = Partial<
  Pick<
    CloudConfig,
    | 'honoursTokens'
    | 'tags'
    | 'slots'
    | 'rates'
    | 'instancesPerCall'
    | 'submitMs'
    | 'bootSeconds'
    | 'terminateSeconds'
    | 'answersWhenRunning'
    | 'instanceQuota'
  >
> & {
  /** Number of further machines for which each zone has room, by letter. Absent: one zone with room for all. */
  rooms?: Readonly<Record<string, number>>;
};

/**
 * Returns a scenario of two clouds with two locations each. Nothing goes wrong in it except for what a test
 * adds.
 */
export function calmScenario(changes: Partial<Scenario> = {}, traits: CloudTraits = {}): Scenario {
  return {
    seed: 1,
    clouds: { aws: calmCloud(traits), gcp: calmCloud(traits) },
    connections: [
      { name: 'sim-aws', cloud: 'aws' },
      { name: 'sim-gcp', cloud: 'gcp' },
    ],
    fleets: [],
    disturbance: { ...CALM, newProcess: 0.1 },
    cloudFaults: [],
    incidents: [],
    troubleMs: 0,
    skewMs: 0,
    sweepIntervalMs: 5 * MINUTE_MS,
    graceSeconds: 300,
    planted: [],
    driverConcurrency: 4,
    driverTimeoutMs: 20_000,
    ...changes,
  };
}

function calmCloud({ rooms, ...traits }: CloudTraits): CloudConfig {
  const site = (name: string) => ({
    displayName: name,
    country: 'DEU',
    latitude: 0,
    longitude: 0,
    zones: rooms ? Object.keys(rooms).map((letter) => `${name}${letter}`) : [`${name}a`],
    ...(rooms ? { zoneCapacity: capacityOf(name, rooms) } : {}),
  });
  return cloudConfigSchema.parse({
    slots: { locations: 2, instancesPerLocation: 6 },
    rates: {
      create: { perSecond: 5, burst: 10 },
      list: { perSecond: 5, burst: 10 },
      mutate: { perSecond: 10, burst: 20 },
    },
    submitMs: [100, 400],
    bootSeconds: [4, 20],
    terminateSeconds: [1, 10],
    instanceQuota: 200,
    ...traits,
    ids: {
      instance: 'i-{hex12}',
      network: 'net-{hex12}',
      subnet: 'sub-{hex12}',
      securityGroup: 'sg-{hex12}',
      keyPair: 'key-{hex12}',
    },
    locations: Object.fromEntries(LOCATIONS.map((name) => [name, site(name)])),
    instanceTypes: {
      small: { vcpus: 2, memoryGb: 4, usdPerHour: 0.05 },
      large: { vcpus: 4, memoryGb: 8, usdPerHour: 0.1 },
    },
    images: { linux: { backendId: 'img-{hex8}', description: 'Linux' } },
  });
}

const capacityOf = (location: string, rooms: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(rooms).map(([letter, room]) => [`${location}${letter}`, room]));

type GroupTraits = Partial<
  Pick<FleetRequest['nodeGroups'][number], 'locations' | 'instanceTimeoutSeconds' | 'instanceType'>
>;

/** Returns the request of a fleet with one node group of `size` instances at each of the connections. */
export function fleetAt(
  connections: readonly string[],
  size: number,
  changes: Partial<Pick<FleetRequest, 'name' | 'failurePolicy' | 'priority'>> & GroupTraits = {},
): FleetRequest {
  const { name = 'web', failurePolicy = 'continue', priority, ...group } = changes;
  return fleetRequestSchema.parse({
    name,
    failurePolicy,
    ...(priority === undefined ? {} : { priority }),
    nodeGroups: connections.map((connection) => ({
      name: `at-${connection}`,
      size,
      connection,
      locations: LOCATIONS,
      instanceType: 'small',
      image: 'linux',
      ssh: { allowFrom: '10.0.0.0/8' },
      ...group,
    })),
  });
}
