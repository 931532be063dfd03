import type { SimConfig } from '../../local/sim/engine/config.ts';

/** Returns a config in which each location has one zone, so that a refused instance tries no other zone. */
export function withOneZone(config: SimConfig): SimConfig {
  const clouds = Object.entries(config.clouds).map(([cloud, { locations, ...rest }]) => {
    const reduced = Object.entries(locations).map(
      ([name, location]) => [name, { ...location, zones: location.zones.slice(0, 1) }] as const,
    );
    return [cloud, { ...rest, locations: Object.fromEntries(reduced) }] as const;
  });
  return { ...config, clouds: Object.fromEntries(clouds) };
}
