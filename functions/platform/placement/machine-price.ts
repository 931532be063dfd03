import type { NodeGroup } from '../../model/fleet.ts';

type Priced = Pick<NodeGroup, 'publicIpUsdPerHour' | 'disksUsdPerHour' | 'disksPrices'>;

/**
 * Returns what a machine of a node group costs while it runs, in millionths of a dollar per hour: the price of its
 * instance type, its public address and its disks. A price that is not known counts as 0. Pure.
 *
 * @param usdPerHour price of the machine's instance type; absent if it is not known
 */
export function microUsdPerHourOf(
  { publicIpUsdPerHour = 0, disksUsdPerHour = 0, disksPrices }: Priced,
  location: string,
  usdPerHour = 0,
): number {
  const disks = disksPrices?.[location]?.usdPerHour ?? disksUsdPerHour;
  return Math.round((usdPerHour + publicIpUsdPerHour + disks) * 1e6);
}
