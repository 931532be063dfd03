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

/** Refuses a create if the zone of the instance is full. @throws Refusal InsufficientCapacity */
export function checkZone({ cloud, site, nowMs }: Target, { zone, instanceType }: CreateInput): void {
  const chosen = zone ?? nextZone(cloud, site);
  const most = chosen === undefined ? undefined : cloud.locations[site.key.location]?.zoneCapacity?.[chosen];
  if (most === undefined) return;
  const there = [...site.live.values()].filter(
    (one) => one.zone === chosen && statusAt(one, nowMs) !== 'Terminated',
  );
  if (there.length >= most) {
    throw new Refusal('InsufficientCapacity', `zone ${chosen} has no capacity left for ${instanceType}`);
  }
}
