import type { DriverMetadata, PriceStep } from './metadata.ts';

interface PricedDisk {
  type?: string | undefined;
  sizeGb?: number | undefined;
  iops?: number | undefined;
  throughputMbps?: number | undefined;
}

/** Hours that a month has in the clouds' price lists. */
const HOURS_A_MONTH = 730;

/**
 * Returns the price of a disk in US dollars a month; undefined if its size, its type or the type's price at the location
 * is not known. Pure.
 */
export function diskUsdPerMonth(
  driver: Pick<DriverMetadata, 'diskTypes' | 'defaultDiskType' | 'diskPriceLocations'>,
  location: string,
  { type = driver.defaultDiskType, sizeGb, iops = 0, throughputMbps = 0 }: PricedDisk,
): number | undefined {
  if (driver.diskPriceLocations && !driver.diskPriceLocations.includes(location)) return undefined;
  const price = type === undefined ? undefined : driver.diskTypes?.[type]?.price;
  if (!price || sizeGb === undefined) return undefined;
  const sum =
    price.usdPerGbMonth * sizeGb + stepsOf(price.iops, iops) + stepsOf(price.throughputMbps, throughputMbps);
  return Number(sum.toFixed(2));
}

/** What the disks of one machine cost together, as far as it is known. */
export interface DisksPrice {
  /** Price of the disks whose price is known. */
  usdPerHour: number;
  /** Number of disks whose price is not known. */
  unpriced: number;
}

/** Returns the price of the disks of one machine together. Pure. */
export function disksPriceOf(
  driver: Parameters<typeof diskUsdPerMonth>[0],
  location: string,
  disks: readonly PricedDisk[],
): DisksPrice {
  const known = disks.flatMap((disk) => diskUsdPerMonth(driver, location, disk) ?? []);
  const usdPerMonth = known.reduce((sum, one) => sum + one, 0);
  return { usdPerHour: usdPerMonth / HOURS_A_MONTH, unpriced: disks.length - known.length };
}

function stepsOf(steps: readonly PriceStep[] = [], amount: number): number {
  return steps.reduce((sum, { above, usdPerMonth }, at) => {
    const upTo = Math.min(amount, steps[at + 1]?.above ?? amount);
    return sum + Math.max(0, upTo - above) * usdPerMonth;
  }, 0);
}
