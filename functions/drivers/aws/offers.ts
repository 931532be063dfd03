import {
  DescribeInstanceTypeOfferingsCommand,
  DescribeSpotPriceHistoryCommand,
  type InstanceTypeInfo,
} from '@aws-sdk/client-ec2';
import {
  type Architecture,
  architectureSchema,
  type InstanceType,
  type Offer,
  offerId,
} from '../../model/cloud.ts';
import { type Ec2, PAGE_SIZE } from './ec2.ts';
import type { TypeBook } from './type-book.ts';

const MIB_PER_GIB = 1_024;
/**
 * Matches Mac types, which the driver does not offer. They need dedicated hosts, which are allocated for at least a
 * day.
 */
const NEEDS_A_HOST = /^mac/;

/**
 * Lists the types that this driver can launch in the region: on demand and from an EBS disk. A type's spot price is its
 * price in the cheapest zone. On-demand prices are absent, because EC2 does not report them. AWS's price list is
 * another service, exists in three regions only, and requires a further permission.
 */
export async function listOffers(
  ec2: Ec2,
  types: TypeBook,
  location: string,
): Promise<{ instanceTypes: InstanceType[]; offers: Offer[] }> {
  // Types and spot prices are EC2's longest answers. They are read one after the other, because requests for both at
  // the same time could exceed their time limits.
  const infos = await types.read(location, await offeredTypes(ec2, location));
  const spotPrices = await readSpotPrices(ec2, location);
  const usable = infos.flatMap((info) => {
    const type = instanceTypeOf(info);
    return type ? [{ type, info }] : [];
  });
  return {
    instanceTypes: usable.map(({ type }) => type),
    offers: usable.map(({ type: { name }, info }) => {
      const spot = info.SupportedUsageClasses?.includes('spot') ? spotPrices.get(name) : undefined;
      return {
        id: offerId(location, undefined, name),
        location,
        instanceType: name,
        ...(spot === undefined ? {} : { spotPriceUsdPerHour: spot }),
        available: true,
      };
    }),
  };
}

async function offeredTypes(ec2: Ec2, location: string): Promise<string[]> {
  const offerings = await ec2.all(
    (NextToken) =>
      ec2.send(
        location,
        new DescribeInstanceTypeOfferingsCommand({
          LocationType: 'region',
          NextToken,
          MaxResults: PAGE_SIZE,
        }),
      ),
    ({ InstanceTypeOfferings }) => InstanceTypeOfferings,
  );
  return offerings.flatMap(({ InstanceType }) => InstanceType ?? []);
}

/** Reads the current spot price of each type in its cheapest zone, in USD per hour. */
async function readSpotPrices(ec2: Ec2, location: string): Promise<Map<string, number>> {
  const now = new Date(ec2.clock.now());
  const history = await ec2.all(
    (NextToken) =>
      ec2.send(
        location,
        new DescribeSpotPriceHistoryCommand({
          ProductDescriptions: ['Linux/UNIX', 'Linux/UNIX (Amazon VPC)'],
          // For a range that begins and ends now, EC2 returns the prices in force.
          StartTime: now,
          EndTime: now,
          NextToken,
          MaxResults: PAGE_SIZE,
        }),
      ),
    ({ SpotPriceHistory }) => SpotPriceHistory,
  );
  const cheapest = new Map<string, number>();
  for (const { InstanceType, SpotPrice } of history) {
    const price = Number(SpotPrice ?? Number.NaN);
    if (InstanceType === undefined || !(price >= 0)) continue;
    cheapest.set(InstanceType, Math.min(price, cheapest.get(InstanceType) ?? price));
  }
  return cheapest;
}

/** Converts a type. @returns undefined for a type that this driver cannot launch */
function instanceTypeOf(info: InstanceTypeInfo): InstanceType | undefined {
  const { InstanceType: name, VCpuInfo, MemoryInfo, ProcessorInfo } = info;
  const architecture = architecturesOf(ProcessorInfo?.SupportedArchitectures)[0];
  const vcpus = VCpuInfo?.DefaultVCpus ?? 0;
  const memoryGb = (MemoryInfo?.SizeInMiB ?? 0) / MIB_PER_GIB;
  const launchable =
    info.SupportedUsageClasses?.includes('on-demand') !== false &&
    info.SupportedRootDeviceTypes?.includes('ebs') !== false &&
    info.SupportedVirtualizationTypes?.includes('hvm') !== false;
  if (name === undefined || !architecture || vcpus <= 0 || memoryGb <= 0) return undefined;
  if (!launchable || NEEDS_A_HOST.test(name)) return undefined;
  const gpu = gpuOf(info);
  return { name, vcpus, memoryGb, architecture, ...(gpu ? { gpu } : {}) };
}

function gpuOf({ GpuInfo }: InstanceTypeInfo): InstanceType['gpu'] {
  const gpu = GpuInfo?.Gpus?.[0];
  const count = gpu?.Count ?? 0;
  const memoryGb = (gpu?.MemoryInfo?.SizeInMiB ?? 0) / MIB_PER_GIB;
  if (!gpu || count < 1 || memoryGb <= 0) return undefined;
  return { model: gpu.Name ?? 'unknown', manufacturer: gpu.Manufacturer ?? 'unknown', count, memoryGb };
}

/** Returns those of the given architectures that `architectureSchema` contains, 64-bit x86 first. */
export function architecturesOf(names: readonly string[] | undefined): Architecture[] {
  return architectureSchema.options.filter((architecture) => names?.includes(architecture));
}
