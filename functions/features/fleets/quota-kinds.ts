import type { DriverMetadata } from '../../drivers/contract/metadata.ts';
import { quotaClassOf } from '../../drivers/contract/quota-class.ts';
import { type DiskFields, rootDiskOf } from '../../model/disk.ts';
import type { Quota } from '../../model/quota.ts';
import { type Choice, choicesAt } from '../../platform/placement/choose-type.ts';

/** What decides how much of a quota one instance of a node group needs. */
export interface QuotaNeed {
  /** The instance types and markets of the node group, and what it may cost. */
  choice: Parameters<typeof choicesAt>[0];
  disks: DiskFields;
  driver: Pick<DriverMetadata, 'quotaClasses' | 'defaultDiskType'>;
}

/** One way to launch an instance: an instance type in a market. */
interface Way extends Choice {
  instanceClass: string | undefined;
}

/** Returns a text that is the same for quotas of different locations that count the same. */
export const kindOf = ({ unit, instanceClass, market, diskType }: Quota): string =>
  [unit, instanceClass, market, diskType].join('/');

/**
 * Returns the least that one instance needs of a quota, over all ways to launch it at the locations. 0: it needs none,
 * or what it needs is not known. Pure.
 */
export function leastNeed(quota: Quota, need: QuotaNeed, locations: readonly string[]): number {
  const ways = locations.flatMap((location) => waysAt(need, location));
  return ways.length === 0 ? 0 : Math.min(...ways.map((way) => needOf(quota, way, need)));
}

/**
 * Returns the most instances that fit into quotas at a location, if no other node group uses them. Infinity: nothing is
 * known to limit them. Pure.
 *
 * @param room returns what a quota has for the instances
 */
export function mostInstances(
  quotas: readonly Quota[],
  room: (quota: Quota) => number,
  need: QuotaNeed,
  location: string,
): number {
  const fits = (quota: Quota, amount: number) =>
    amount > 0 ? Math.floor(room(quota) / amount) : Number.POSITIVE_INFINITY;
  const ways = waysAt(need, location);
  if (ways.length === 0) return Number.POSITIVE_INFINITY;
  const together = quotas.map((quota) => fits(quota, leastNeed(quota, need, [location])));
  // Ways of the same class and market share their quotas. The others may be used side by side.
  const apart = [...Map.groupBy(ways, (way) => `${way.instanceClass}/${way.market}`).values()];
  const most = apart.map((alike) =>
    Math.max(
      ...alike.map((way) => Math.min(...quotas.map((quota) => fits(quota, needOf(quota, way, need))))),
    ),
  );
  return Math.min(
    ...together,
    most.reduce((sum, one) => sum + one, 0),
  );
}

/** Returns true if an instance of the node group may need a part of the quota at the location. Pure. */
export const mayNeed = (quota: Quota, need: QuotaNeed, location: string): boolean =>
  waysAt(need, location).some((way) => needOf(quota, way, need) > 0);

function waysAt({ choice, driver }: QuotaNeed, location: string): Way[] {
  return choicesAt(choice, location).map(({ type, market }) => ({
    instanceClass: quotaClassOf(driver, type.name),
    market,
    type,
  }));
}

/** Returns what one instance that is launched in this way needs of a quota. */
function needOf({ unit, instanceClass, market, diskType }: Quota, way: Way, need: QuotaNeed): number {
  if (instanceClass !== undefined && instanceClass !== way.instanceClass) return 0;
  if (market !== undefined && market !== way.market) return 0;
  switch (unit) {
    case 'instances':
    case 'networkInterfaces':
      return 1;
    case 'vcpus':
      return way.type.vcpus;
    case 'memoryGb':
      return way.type.memoryGb;
    case 'volumes':
      return diskType === undefined ? disksOf(need).length : 0;
    case 'volumeGb':
      return disksOf(need)
        .filter(({ type }) => diskType === undefined || type === diskType)
        .reduce((sum, { sizeGb }) => sum + sizeGb, 0);
    // Fleets share these, or need few of them.
    case 'networks':
    case 'subnets':
    case 'gateways':
    case 'securityGroups':
    case 'securityGroupRules':
    case 'keyPairs':
    case 'serverGroups':
    case 'publicIps':
      return 0;
  }
}

/**
 * Returns the disks that certainly are volumes, with sizes that are known. A root disk without a type may be a disk of
 * the instance type itself, unless the driver has a default type of volumes.
 */
function disksOf({ disks, driver }: QuotaNeed): { sizeGb: number; type: string | undefined }[] {
  const root = rootDiskOf(disks);
  return [...(root ? [root] : []), ...(disks.dataDisks ?? [])].flatMap((disk) => {
    const { sizeGb, type = driver.defaultDiskType } = disk;
    if (disk === root && type === undefined) return [];
    return sizeGb === undefined ? [] : [{ sizeGb, type }];
  });
}
