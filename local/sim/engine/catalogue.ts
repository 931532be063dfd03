import type { CloudConfig } from './config.ts';
import { drawId } from './draw.ts';
import { pageOf } from './paging.ts';
import type { Page } from './requests.ts';
import { named, type Target, type World } from './world.ts';

export function isUp({ state }: World, cloudName: string, cloud: CloudConfig, location: string): boolean {
  return state.locationUp.get(`${cloudName}\n${location}`) ?? cloud.locations[location]?.up ?? false;
}

export function listLocations(world: World, cloudName: string, cloud: CloudConfig): { items: object[] } {
  const items = Object.entries(cloud.locations).map(([name, location]) => {
    const { displayName, country, latitude, longitude, zones } = location;
    return {
      name,
      displayName,
      country,
      latitude,
      longitude,
      zones,
      available: isUp(world, cloudName, cloud, name),
    };
  });
  return { items };
}

export function listOffers(world: World, { cloud, site }: Target, page: Page): object {
  const { location } = site.key;
  const factor = cloud.locations[location]?.priceFactor ?? 1;
  const offers = Object.entries(cloud.instanceTypes)
    .filter(([, { onlyIn }]) => !onlyIn || onlyIn.includes(location))
    .map(([name, { vcpus, memoryGb, architecture, gpu, usdPerHour }]) => ({
      instanceType: name,
      vcpus,
      memoryGb,
      architecture,
      ...(gpu ? { gpu } : {}),
      ...pricesOf(cloud, usdPerHour, factor),
      available: true,
    }));
  return pageOf(offers, page, world.config.pageSize, (_, index) => index);
}

/** Returns the prices of a type per hour. A cloud without a spot market, or without a price, has no spot price. */
function pricesOf(
  { spot }: CloudConfig,
  usdPerHour: number | undefined,
  factor: number,
): { usdPerHour?: number; spotUsdPerHour?: number } {
  if (usdPerHour === undefined) return {};
  const rounded = (usd: number) => Number(usd.toFixed(4));
  return {
    usdPerHour: rounded(usdPerHour * factor),
    ...(spot ? { spotUsdPerHour: rounded(usdPerHour * factor * spot.priceFactor) } : {}),
  };
}

/** Returns the spot price of a type at a location per hour; undefined if it is not offered as spot there. */
export function spotPriceOf(cloud: CloudConfig, location: string, instanceType: string): number | undefined {
  const { usdPerHour } = named(cloud.instanceTypes, instanceType) ?? {};
  return pricesOf(cloud, usdPerHour, cloud.locations[location]?.priceFactor ?? 1).spotUsdPerHour;
}

/** Lists the reservations of an account at a location. */
export function listReservations({ cloud, site }: Target): object {
  const reservations = Object.entries(cloud.locations[site.key.location]?.reservations ?? {});
  return { items: reservations.map(([id, one]) => ({ id, ...one })) };
}

export function listImages(world: World, { cloud, site }: Target, page: Page): object {
  const images = Object.entries(cloud.images).map(
    ([name, { backendId, description, architectures, minDiskGb }]) => ({
      name,
      id: imageIdAt(site.key, name, backendId),
      description,
      architectures,
      minDiskGb,
    }),
  );
  return pageOf(images, page, world.config.pageSize, (_, index) => index);
}

/**
 * Returns an image's id at a location. The id is the same for all accounts, seeds and runs, like the id of a public
 * image.
 */
export function imageIdAt(
  { cloud, location }: { cloud: string; location: string },
  name: string,
  template: string,
): string {
  return drawId(template.replaceAll('{location}', location), 'image', cloud, location, name);
}
