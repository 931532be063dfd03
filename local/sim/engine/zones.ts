import type { CloudConfig } from './config.ts';
import { Refusal } from './refusals.ts';
import type { CreateInput } from './requests.ts';
import type { Site } from './state.ts';
import { statusAt } from './status.ts';
import type { Target } from './world.ts';

export function zonesOf({ locations }: Pick<CloudConfig, 'locations'>, location: string): string[] {
  return locations[location]?.zones ?? [];
}

/** Returns the zone in which the cloud creates the site's next instance, if the request names no zone. */
export function nextZone(cloud: CloudConfig, site: Site): string | undefined {
  const zones = zonesOf(cloud, site.key.location);
  return zones[(site.sequence + 1) % Math.max(1, zones.length)];
}

/**
 * Refuses a create if the zone of the instance is full. Spot instances have a capacity of their own, and reserved ones that
 * of their reservation. @throws Refusal InsufficientCapacity
 */
export function checkZone({ cloud, site, nowMs }: Target, input: CreateInput): void {
  const { instanceType, market } = input;
  if (market === 'reserved') return;
  const zone = input.zone ?? nextZone(cloud, site);
  const { zoneCapacity = {}, zoneSpotCapacity = {} } = cloud.locations[site.key.location] ?? {};
  const most = zone === undefined ? undefined : (market === 'spot' ? zoneSpotCapacity : zoneCapacity)[zone];
  if (most === undefined) return;
  const there = [...site.live.values()].filter(
    (one) => one.zone === zone && one.market === market && statusAt(one, nowMs) !== 'Terminated',
  );
  if (there.length >= most) {
    const what = market === 'spot' ? 'spot capacity' : 'capacity';
    throw new Refusal('InsufficientCapacity', `zone ${zone} has no ${what} left for ${instanceType}`);
  }
}
