import { type FleetRequest, fleetRequestSchema } from '../../../functions/model/fleet-request.ts';
import type { CloudConfig } from '../../../local/sim/engine/config.ts';
import { type Fault, faultSchema } from '../../../local/sim/engine/faults.ts';
import { Random } from '../time/random.ts';

/** The reservation that each location has. */
const RESERVATION = 'reserved-1';
const MARKETS = [
  ['spot'],
  ['spot', 'on-demand'],
  ['spot', 'on-demand'],
  ['spot', 'on-demand'],
  ['reserved', 'spot', 'on-demand'],
  ['reserved', 'on-demand'],
  ['spot', 'on-demand', 'reserved'],
  ['on-demand', 'spot'],
] as const;

/** Draws what a cloud has of spot machines and reservations. Some zones have few spot machines, or none. */
export function withMarketCloud(random: Random, config: CloudConfig): CloudConfig {
  const locations = Object.entries(config.locations).map(([name, location]) => {
    const small = location.zones.filter(() => random.chance(0.5));
    const zoneSpotCapacity = Object.fromEntries(small.map((zone) => [zone, random.int(0, 5)]));
    const zone = random.pick(location.zones);
    const reservations = { [RESERVATION]: { instanceType: 'small', zone, count: random.int(1, 4) } };
    return [name, { ...location, zoneSpotCapacity, reservations }] as const;
  });
  const instanceQuota = random.chance(0.2) ? { instanceQuota: random.int(0, 8) } : {};
  return {
    ...config,
    spot: { priceFactor: 0.35, ...instanceQuota },
    locations: Object.fromEntries(locations),
  };
}

/** Lets some node groups use other markets, from a random stream of its own. */
export function withMarkets<Script extends { request: FleetRequest }>(
  seed: number,
  scripts: readonly Script[],
): Script[] {
  const random = new Random(seed, 'markets');
  return scripts.map((script) => {
    if (random.chance(0.4)) return script;
    const nodeGroups = script.request.nodeGroups.map((group) => {
      if (random.chance(0.3)) return group;
      const markets = random.pick(MARKETS);
      const isLimited = / spot.* on-demand/.test(` ${markets.join(' ')}`) && random.chance(0.7);
      const { instanceType: _, ...rest } = group;
      return {
        ...rest,
        ...(random.chance(0.4) ? { instanceTypes: ['small', 'large'] } : { instanceType: 'small' }),
        markets,
        ...(markets.some((market) => market === 'reserved') ? { reservationId: RESERVATION } : {}),
        ...(isLimited ? { maxOnDemandPercent: random.pick([0, 10, 25, 50, 50, 90]) } : {}),
        // The spot prices are 0.0175 and 0.07, the others 0.05 and 0.2.
        ...(random.chance(0.2) ? { maxUsdPerHour: random.pick([0.06, 0.1, 1]) } : {}),
      };
    });
    return { ...script, request: fleetRequestSchema.parse({ ...script.request, nodeGroups }) };
  });
}

/** Draws shortages of spot machines, and spot machines that the clouds take back. */
export function marketFaults(seed: number): Fault[] {
  const random = new Random(seed, 'faults of markets');
  const wanted = [
    ...(random.chance(0.4) ? [{ kind: 'interrupt', probability: random.between(0.001, 0.02) }] : []),
    ...(random.chance(0.4)
      ? [{ kind: 'capacity', market: 'spot', probability: random.between(0.1, 0.9) }]
      : []),
    ...(random.chance(0.2)
      ? [{ kind: 'forbidden', market: 'spot', call: 'create', probability: random.between(0.05, 0.5) }]
      : []),
  ];
  return wanted.map((fault) => faultSchema.parse(fault));
}
