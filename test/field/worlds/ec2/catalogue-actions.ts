import type { Action } from './network-actions.ts';
import { nodesAt, type Parameters, textAt, textsAt } from './query.ts';
import { passes } from './state.ts';

export const TYPE = 'm6i.large';
const TYPES = [
  { name: TYPE, vcpus: 2, mib: 8_192 },
  { name: 't3.small', vcpus: 2, mib: 2_048 },
];
const IMAGE = {
  imageId: 'ami-0c0ffee0000000001',
  name: 'ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20260101',
  architecture: 'x86_64',
  creationDate: '2026-01-01T00:00:00.000Z',
};

/** Answers EC2's requests for regions, zones, instance types and images. */
export function catalogueActions(regions: () => readonly string[]): Readonly<Record<string, Action>> {
  return {
    DescribeRegions: () => ({
      regionInfo: regions().map((regionName) => ({
        regionName,
        regionEndpoint: `ec2.${regionName}.amazonaws.com`,
      })),
    }),
    DescribeAvailabilityZones: ({ region }) => ({
      availabilityZoneInfo: region.zones.map((zoneName) => ({
        zoneName,
        zoneState: 'available',
        regionName: region.name,
      })),
    }),
    DescribeInstanceTypeOfferings: ({ region, parameters }) => {
      const locations = textAt(parameters, 'LocationType') === 'region' ? [region.name] : region.zones;
      return {
        instanceTypeOfferingSet: TYPES.filter(({ name }) => isWanted(parameters, name)).flatMap(({ name }) =>
          locations.map((location) => ({ instanceType: name, location })),
        ),
      };
    },
    DescribeInstanceTypes: ({ parameters }) => {
      const names = textsAt(parameters, 'InstanceType');
      return {
        instanceTypeSet: TYPES.filter(({ name }) => names.length === 0 || names.includes(name)).map(
          (type) => ({
            instanceType: type.name,
            vCpuInfo: { defaultVCpus: type.vcpus },
            memoryInfo: { sizeInMiB: type.mib },
            processorInfo: { supportedArchitectures: ['x86_64'] },
            supportedUsageClasses: ['on-demand'],
            supportedRootDeviceTypes: ['ebs'],
            supportedVirtualizationTypes: ['hvm'],
          }),
        ),
      };
    },
    DescribeSpotPriceHistory: () => ({ spotPriceHistorySet: [] }),
    DescribeImages: ({ parameters }) => {
      const ids = textsAt(parameters, 'ImageId');
      const isNamed = ids.length === 0 || ids.includes(IMAGE.imageId);
      const facts: Readonly<Record<string, string>> = {
        name: IMAGE.name,
        'image-id': IMAGE.imageId,
        state: 'available',
      };
      const isFound = passes(parameters, new Map(), (name) => {
        const value = facts[name];
        return value === undefined ? [] : [value];
      });
      return { imagesSet: isNamed && isFound ? [{ ...IMAGE, rootDeviceName: '/dev/sda1' }] : [] };
    },
  };
}

function isWanted(parameters: Parameters, type: string): boolean {
  const filter = nodesAt(parameters, 'Filter').find((one) => textAt(one, 'Name') === 'instance-type');
  return filter === undefined || textsAt(filter, 'Value').includes(type);
}
