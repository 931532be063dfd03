import type { LimitOverride } from '../../../functions/model/limit-profile.ts';
import { type CloudConfig, cloudConfigSchema } from '../../../local/sim/engine/config.ts';
import { Random } from '../time/random.ts';

export const CLOUD_NAMES = ['aws', 'gcp', 'openstack'] as const;
export type CloudName = (typeof CLOUD_NAMES)[number];

/** A connection of the run, to the simulated cloud of the same account. */
export interface ConnectionScript {
  name: string;
  cloud: CloudName;
  /** Limits that the user sets, in addition to the limits that the cloud enforces. */
  limits?: LimitOverride;
}

export const LOCATIONS = ['east-1', 'west-1', 'north-1'];

/** Draws the cloud of a name, with the zones of its locations and what it tells late. */
export function cloudOf(seed: number, name: CloudName, random: Random, answers: Random): CloudConfig {
  return withZones(new Random(seed, `zones of ${name}`), {
    ...cloud(random),
    answersWhenRunning: answers.chance(0.2),
    ...lateAddresses(seed, name),
    ...networkQuota(seed, name),
    ipv6: new Random(seed, `IPv6 of ${name}`).chance(0.3),
  });
}

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

/** Draws the user's own limits. Sets few limits together, so that fleets still run. */
export function limits(random: Random): LimitOverride {
  return {
    ...(random.chance(0.25) ? { createsPerMinute: random.int(5, 30) } : {}),
    ...(random.chance(0.2) ? { minimumSpacingMs: random.int(100, 3_000) } : {}),
    ...(random.chance(0.3) ? { pacing: random.pick(['even', 'all-at-once'] as const) } : {}),
    ...(random.chance(0.1) ? { totals: { instances: random.int(20, 60) } } : {}),
  };
}

/** Draws limits over all locations of a connection, and of a family of instance types. */
export function widerLimits(seed: number, name: CloudName, { pacing }: LimitOverride): LimitOverride {
  const random = new Random(seed, `limits of all locations of ${name}`);
  const rate = () => ({ perSecond: random.int(1, 4), burst: random.int(4, 8) });
  const [create, change, small] = [rate(), { count: random.int(20, 60), windowSeconds: 10 }, rate()];
  const [hasCreate, hasChange, hasFamily] = [0.2, 0.2, 0.2].map((chance) => random.chance(chance));
  // With this pacing, limits of creates are refused.
  if (pacing === 'all-at-once') return {};
  return {
    ...(hasCreate || hasChange
      ? { connectionCalls: { ...(hasCreate ? { create } : {}), ...(hasChange ? { change } : {}) } }
      : {}),
    ...(hasFamily ? { families: { small: { instances: small } } } : {}),
  };
}

/** Draws how many networks an account may have at a location of a cloud. */
function networkQuota(seed: number, name: CloudName): Pick<CloudConfig, 'networkQuota'> {
  const random = new Random(seed, `network quota of ${name}`);
  return random.chance(0.25) ? { networkQuota: random.int(1, 3) } : {};
}
