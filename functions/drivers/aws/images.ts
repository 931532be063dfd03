import { DescribeImagesCommand, type Image as Ec2Image } from '@aws-sdk/client-ec2';
import { type Architecture, architectureSchema, type Image } from '../../model/cloud.ts';
import { type Ec2, PAGE_SIZE } from './ec2.ts';
import type { PublicParameters } from './public-parameters.ts';
import { filter } from './tags.ts';

const AMAZON = 'amazon';
const CANONICAL = '099720109477';
const DEBIAN = '136693071363';
/** Account ids of Canonical and Debian in the China partition. */
const CANONICAL_CHINA = '837727238323';
const DEBIAN_CHINA = '141808717104';
const CANONICAL_GOV = '513442679011';
const OWNERS = [AMAZON, CANONICAL, CANONICAL_CHINA, CANONICAL_GOV, DEBIAN, DEBIAN_CHINA];

interface Family {
  name: string;
  description: string;
  /**
   * Pattern of the image's name at EC2. `*` matches the part that changes with each release; `{arch}` is replaced by
   * the architecture.
   */
  pattern: string;
  /** Name of the SSM parameter that has the image's id. `{arch}` is replaced by the architecture. */
  parameter: string;
  architectures: Readonly<Partial<Record<Architecture, string>>>;
}

const DEBIAN_WORDS = { x86_64: 'amd64', arm64: 'arm64' };
const EC2_WORDS = { x86_64: 'x86_64', arm64: 'arm64' };

/**
 * Public images that fleets may name. The publishers of these images maintain SSM parameters with the id of the newest
 * image. If a parameter is missing, or the credential may not read it, the driver finds the newest image by owner and
 * name.
 */
const FAMILIES: readonly Family[] = [
  ubuntu('24.04', 'noble', 'hvm-ssd-gp3', 'ebs-gp3'),
  ubuntu('22.04', 'jammy', 'hvm-ssd', 'ebs-gp2'),
  {
    name: 'debian-13',
    description: 'Debian 13',
    pattern: 'debian-13-{arch}-2*',
    parameter: '/aws/service/debian/release/13/latest/{arch}',
    architectures: DEBIAN_WORDS,
  },
  {
    name: 'debian-12',
    description: 'Debian 12',
    pattern: 'debian-12-{arch}-2*',
    parameter: '/aws/service/debian/release/12/latest/{arch}',
    architectures: DEBIAN_WORDS,
  },
  {
    name: 'al2023',
    description: 'Amazon Linux 2023',
    pattern: 'al2023-ami-2023.*-kernel-6.1-{arch}',
    parameter: '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-{arch}',
    architectures: EC2_WORDS,
  },
];

function ubuntu(version: string, codename: string, folder: string, disk: string): Family {
  return {
    name: `ubuntu-${version}`,
    description: `Ubuntu Server ${version} LTS`,
    pattern: `ubuntu/images/${folder}/ubuntu-${codename}-${version}-{arch}-server-*`,
    parameter: `/aws/service/canonical/ubuntu/server/${version}/stable/current/{arch}/hvm/${disk}/ami-id`,
    architectures: DEBIAN_WORDS,
  };
}

/**
 * One image for each family and architecture, because an EC2 image has only one architecture. Examples of names:
 * `ubuntu-24.04` and `ubuntu-24.04-arm64`.
 */
const WANTED = FAMILIES.flatMap(({ name, description, pattern, parameter, architectures }) =>
  architectureSchema.options.flatMap((architecture) => {
    const word = architectures[architecture];
    if (word === undefined) return [];
    return [
      {
        name: architecture === 'x86_64' ? name : `${name}-${architecture}`,
        description,
        architecture,
        pattern: pattern.replace('{arch}', word),
        parameter: parameter.replace('{arch}', word),
      },
    ];
  }),
);
type Wanted = (typeof WANTED)[number];

/**
 * Lists the newest image for each name in `WANTED`. Leaves out deprecated images, and names for which the region has no
 * image.
 */
export async function listImages(ec2: Ec2, parameters: PublicParameters, location: string): Promise<Image[]> {
  await ec2.requireRegion(location);
  const ids = await parameters.read(
    location,
    WANTED.map(({ parameter }) => parameter),
  );
  const told = await describe(ec2, location, [filter('image-id', ...ids.values())], ids.size);
  const byId = new Map(told.map((image) => [image.ImageId, image]));
  const isTold = ({ parameter }: Wanted) => byId.has(ids.get(parameter));
  const others = WANTED.filter((wanted) => !isTold(wanted)).map(({ pattern }) => pattern);
  const found = await describe(ec2, location, [filter('name', ...others)], others.length, OWNERS);
  return WANTED.flatMap((wanted) => {
    const newest = byId.get(ids.get(wanted.parameter)) ?? newestOf(found, wanted);
    if (newest?.ImageId === undefined || newest.Architecture !== wanted.architecture) return [];
    return [
      {
        name: wanted.name,
        location,
        backendId: newest.ImageId,
        description: `${wanted.description} (${newest.Name})`,
        architectures: [wanted.architecture],
        ...minDiskOf(newest),
        available: true,
      },
    ];
  });
}

/** Returns the size of the snapshot of an image's root disk: EC2 makes no smaller disk from it. */
export function minDiskOf({ RootDeviceName, BlockDeviceMappings }: Ec2Image): { minDiskGb?: number } {
  const root = BlockDeviceMappings?.find(({ DeviceName }) => DeviceName === RootDeviceName);
  const { SnapshotId, VolumeSize } = root?.Ebs ?? {};
  return SnapshotId && VolumeSize ? { minDiskGb: VolumeSize } : {};
}

/**
 * Reads the available images that match the filters.
 *
 * @param wanted the number of filter values; if it is 0, no call is made, because EC2 refuses a filter without a value
 */
async function describe(
  ec2: Ec2,
  location: string,
  filters: { Name: string; Values: string[] }[],
  wanted: number,
  Owners?: string[],
): Promise<Ec2Image[]> {
  if (wanted === 0) return [];
  const Filters = [...filters, filter('state', 'available')];
  return await ec2.all(
    (NextToken) =>
      ec2.send(
        location,
        new DescribeImagesCommand({
          ...(Owners ? { Owners } : {}),
          Filters,
          NextToken,
          MaxResults: PAGE_SIZE,
        }),
      ),
    ({ Images }) => Images,
  );
}

function newestOf(found: readonly Ec2Image[], { pattern, architecture }: Wanted): Ec2Image | undefined {
  const expression = expressionOf(pattern);
  return found
    .filter((image) => expression.test(image.Name ?? '') && image.Architecture === architecture)
    .sort((a, b) => createdMs(b) - createdMs(a))[0];
}

const createdMs = ({ CreationDate }: Ec2Image): number => Date.parse(CreationDate ?? '') || 0;

function expressionOf(pattern: string): RegExp {
  const parts = pattern.split('*').map((part) => part.replace(/[.\\+?^${}()|[\]]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}
