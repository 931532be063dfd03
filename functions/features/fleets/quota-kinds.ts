import type { DriverMetadata } from '../../drivers/contract/metadata.ts';
import { quotaClassOf } from '../../drivers/contract/quota-class.ts';
import { type DiskFields, rootDiskOf } from '../../model/disk.ts';
import type { Quota } from '../../model/quota.ts';
import { type Choice, choicesAt, typesOf } from '../../platform/placement/choose-type.ts';

/** What decides how much of a quota one instance of a node group needs. */
export interface InstanceNeed {
  locations: readonly string[];
  /** The instance types and markets of the node group, and what it may cost. */
  choice: Parameters<typeof choicesAt>[0];
  disks: DiskFields;
}

/** One way to launch an instance: an instance type in a market. */
interface Way extends Choice {
  instanceClass: string | undefined;
}

/** How an instance of a node group may be launched at each of its locations, and the disks that it gets. */
export interface QuotaNeed {
  ways: ReadonlyMap<string, readonly Way[]>;
  disks: readonly { sizeGb: number; type: string | undefined }[];
}

/** Works out what instances of a node group may need. Pure. */
export function quotaNeedOf(
  { locations, choice, disks }: InstanceNeed,
  driver: Pick<DriverMetadata, 'quotaClasses' | 'defaultDiskType'>,
): QuotaNeed {
  const classes = new Map(typesOf(choice).map(({ name }) => [name, quotaClassOf(driver, name)]));
  const waysAt = (location: string) =>
    choicesAt(choice, location).map((one): Way => ({ ...one, instanceClass: classes.get(one.type.name) }));
  return {
    ways: new Map(locations.map((location) => [location, waysAt(location)])),
    disks: disksOf(disks, driver.defaultDiskType),
  };
}

/** Returns a text that is the same for quotas of different locations that count the same. */
export const kindOf = ({ unit, instanceClass, market, diskType }: Quota): string =>
  [unit, instanceClass, market, diskType].join('/');

/**
 * Returns the least that one instance needs of a quota, over all ways to launch it at its locations. 0: it needs none,
 * or what it needs is not known. Pure.
 */
export function leastNeed(quota: Quota, need: QuotaNeed): number {
  const least = leastOf(quota, [...need.ways.values()].flat(), need);
  return Number.isFinite(least) ? least : 0;
}

const leastOf = (quota: Quota, ways: readonly Way[], need: QuotaNeed): number =>
  ways.reduce((least, way) => Math.min(least, needOf(quota, way, need)), Number.POSITIVE_INFINITY);

/**
 * Returns the most instances that fit into quotas at a location, if no other node group uses them. Infinity: nothing is
 * known to limit them. Pure.
 *
 * @param rooms what each quota has for the instances
 */
export function mostInstances(rooms: ReadonlyMap<Quota, number>, need: QuotaNeed, location: string): number {
  const ways = need.ways.get(location) ?? [];
  if (ways.length === 0) return Number.POSITIVE_INFINITY;
  const fits = (room: number, amount: number) =>
    amount > 0 ? Math.floor(room / amount) : Number.POSITIVE_INFINITY;
  const together = [...rooms].map(([quota, room]) => fits(room, leastOf(quota, ways, need)));
  // Ways of the same class and market share their quotas. The others may be used side by side.
  const apart = [...Map.groupBy(ways, (way) => `${way.instanceClass}/${way.market}`).values()];
  const most = apart.map((alike) =>
    Math.max(
      ...alike.map((way) =>
        Math.min(...[...rooms].map(([quota, room]) => fits(room, needOf(quota, way, need)))),
      ),
    ),
  );
  return Math.min(
    ...together,
    most.reduce((sum, one) => sum + one, 0),
  );
}

/** Returns true if an instance of the node group may need a part of the quota at the location. Pure. */
export const mayNeed = (quota: Quota, need: QuotaNeed, location: string): boolean =>
  (need.ways.get(location) ?? []).some((way) => needOf(quota, way, need) > 0);

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
      return diskType === undefined ? need.disks.length : 0;
    case 'volumeGb':
      return need.disks
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
    // These say how fast machines are created, and not how many there may be.
    case 'createCallsAtOnce':
    case 'createCallsPerSecond':
      return 0;
  }
}

/**
 * Returns the disks that certainly are volumes, with sizes that are known. A root disk without a type may be a disk of
 * the instance type itself, unless the driver has a default type of volumes.
 */
function disksOf(disks: DiskFields, defaultType: string | undefined): QuotaNeed['disks'] {
  const root = rootDiskOf(disks);
  return [...(root ? [root] : []), ...(disks.dataDisks ?? [])].flatMap((disk) => {
    const { sizeGb, type = defaultType } = disk;
    if (disk === root && type === undefined) return [];
    return sizeGb === undefined ? [] : [{ sizeGb, type }];
  });
}
