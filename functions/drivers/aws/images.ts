import { DescribeImagesCommand, type Image as Ec2Image } from '@aws-sdk/client-ec2';
import { type Architecture, architectureSchema, type Image } from '../../model/cloud.ts';
import { type Ec2, PAGE_SIZE } from './ec2.ts';
import { filter } from './tags.ts';

const AMAZON = 'amazon';
const CANONICAL = '099720109477';
const DEBIAN = '136693071363';
/** Canonical and Debian in the China partition. */
const CANONICAL_CHINA = '837727238323';
const DEBIAN_CHINA = '141808717104';
const CANONICAL_GOV = '513442679011';
const OWNERS = [AMAZON, CANONICAL, CANONICAL_CHINA, CANONICAL_GOV, DEBIAN, DEBIAN_CHINA];

interface Family {
  name: string;
  description: string;
  /** Of the image's name at EC2, `*` for what changes with each release, `{arch}` for the architecture. */
  pattern: string;
  architectures: Readonly<Partial<Record<Architecture, string>>>;
}

const DEBIAN_WORDS = { x86_64: 'amd64', arm64: 'arm64' };
const EC2_WORDS = { x86_64: 'x86_64', arm64: 'arm64' };

/**
 * Public images that fleets may name. They are found by owner and name, not through the parameters of SSM that point
 * to some of them: those need one more service and one more right, and say nothing of an image's disks.
 */
const FAMILIES: readonly Family[] = [
  ubuntu('24.04', 'noble', 'hvm-ssd-gp3'),
  ubuntu('22.04', 'jammy', 'hvm-ssd'),
  {
    name: 'debian-13',
    description: 'Debian 13',
    pattern: 'debian-13-{arch}-2*',
    architectures: DEBIAN_WORDS,
  },
  {
    name: 'debian-12',
    description: 'Debian 12',
    pattern: 'debian-12-{arch}-2*',
    architectures: DEBIAN_WORDS,
  },
  {
    name: 'al2023',
    description: 'Amazon Linux 2023',
    pattern: 'al2023-ami-2023.*-kernel-6.1-{arch}',
    architectures: EC2_WORDS,
  },
];

function ubuntu(version: string, codename: string, folder: string): Family {
  return {
    name: `ubuntu-${version}`,
    description: `Ubuntu Server ${version} LTS`,
    pattern: `ubuntu/images/${folder}/ubuntu-${codename}-${version}-{arch}-server-*`,
    architectures: DEBIAN_WORDS,
  };
}

/** Each family for each architecture: `ubuntu-24.04`, and `ubuntu-24.04-arm64`, as an EC2 image has one only. */
const WANTED = FAMILIES.flatMap(({ name, description, pattern, architectures }) =>
  architectureSchema.options.flatMap((architecture) => {
    const word = architectures[architecture];
    if (word === undefined) return [];
    const called = architecture === 'x86_64' ? name : `${name}-${architecture}`;
    return [{ name: called, description, architecture, pattern: pattern.replace('{arch}', word) }];
  }),
);

/** The newest image of each name that the region has; deprecated ones are not among them. */
export async function listImages(ec2: Ec2, location: string): Promise<Image[]> {
  const found = await ec2.all(
    (NextToken) =>
      ec2.send(
        location,
        new DescribeImagesCommand({
          Owners: OWNERS,
          Filters: [filter('name', ...WANTED.map(({ pattern }) => pattern)), filter('state', 'available')],
          NextToken,
          MaxResults: PAGE_SIZE,
        }),
      ),
    ({ Images }) => Images,
  );
  return WANTED.flatMap(({ name, description, architecture, pattern }) => {
    const expression = expressionOf(pattern);
    const [newest] = found
      .filter((image) => expression.test(image.Name ?? '') && image.Architecture === architecture)
      .sort((a, b) => createdMs(b) - createdMs(a));
    if (newest?.ImageId === undefined) return [];
    return [
      {
        name,
        location,
        backendId: newest.ImageId,
        description: `${description} (${newest.Name})`,
        architectures: [architecture],
        available: true,
      },
    ];
  });
}

const createdMs = ({ CreationDate }: Ec2Image): number => Date.parse(CreationDate ?? '') || 0;

function expressionOf(pattern: string): RegExp {
  const parts = pattern.split('*').map((part) => part.replace(/[.\\+?^${}()|[\]]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}
