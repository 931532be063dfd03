import { afterEach, describe, expect, test } from 'vitest';
import { has } from '../../../../functions/drivers/contract/capabilities.ts';
import type { GivenMachine } from '../../../../functions/drivers/contract/machine-checks.ts';
import { type Canned, type CannedEc2, cannedEc2, connect, page, refusal } from './canned-ec2.ts';

let ec2: CannedEc2 | undefined;
afterEach(async () => {
  await ec2?.close();
  ec2 = undefined;
});

const WOULD = refusal(412, 'DryRunOperation', 'Request would have succeeded, but DryRun flag is set.');
const IMAGE = 'ami-0123456789abcdef0';
const imagePage = (architecture: string, state = 'available') =>
  page(
    'DescribeImages',
    `<imagesSet><item><imageId>${IMAGE}</imageId><architecture>${architecture}</architecture><imageState>${state}</imageState></item></imagesSet>`,
  );
const TYPES = page(
  'DescribeInstanceTypes',
  '<instanceTypeSet><item><instanceType>m5.large</instanceType><processorInfo><supportedArchitectures><item>x86_64</item></supportedArchitectures></processorInfo></item></instanceTypeSet>',
);

/** Verifies a machine at an EC2 that gives these answers; absent: as for a call that is allowed. */
async function faultsOf(machine: Partial<GivenMachine>, answers: Record<string, Canned> = {}) {
  ec2 = await cannedEc2((call) => {
    const action = call.get('Action') ?? '';
    if (answers[action]) return answers[action];
    if (action === 'DescribeImages') return imagePage('x86_64');
    if (action === 'DescribeInstanceTypes') return TYPES;
    return action.startsWith('Describe') ? page(action) : WOULD;
  });
  const client = connect(ec2.url);
  if (!has(client, 'machine-checks')) throw new TypeError('driver aws checks no machines');
  const faults = await client.verifyMachine('us-east-1', { instanceTypes: ['m5.large'], ...machine });
  return faults.map(({ field, code }) => `${field} ${code}`);
}

const dryRuns = () => (ec2?.calls ?? []).filter((call) => call.get('Action') === 'RunInstances');

describe('a check of a given image', () => {
  test('finds nothing wrong with an image for the architecture of the type', async () => {
    expect(await faultsOf({ imageId: IMAGE })).toEqual([]);
    expect(dryRuns()).toEqual([]);
  });

  test('names an image that the account may not use, is no longer available, or is for another architecture', async () => {
    const unknown = refusal(400, 'InvalidAMIID.NotFound', 'The image id does not exist');
    expect(await faultsOf({ imageId: IMAGE }, { DescribeImages: unknown })).toEqual(['image unknown-image']);
    const ended = imagePage('x86_64', 'deregistered');
    expect(await faultsOf({ imageId: IMAGE }, { DescribeImages: ended })).toEqual(['image not-usable']);
    const other = imagePage('arm64');
    expect(await faultsOf({ imageId: IMAGE }, { DescribeImages: other })).toEqual([
      'image architecture-mismatch',
    ]);
  });
});

describe('a check of a root disk', () => {
  const withDisk = page(
    'DescribeImages',
    `<imagesSet><item><imageId>${IMAGE}</imageId><architecture>x86_64</architecture><imageState>available</imageState><rootDeviceName>/dev/sda1</rootDeviceName><blockDeviceMapping><item><deviceName>/dev/sdb</deviceName><ebs><snapshotId>snap-2</snapshotId><volumeSize>99</volumeSize></ebs></item><item><deviceName>/dev/sda1</deviceName><ebs><snapshotId>snap-1</snapshotId><volumeSize>10</volumeSize></ebs></item></blockDeviceMapping></item></imagesSet>`,
  );
  const faultsWith = (sizeGb: number) =>
    faultsOf(
      { imageId: IMAGE, rootDisk: { field: 'rootDisk/sizeGb', sizeGb } },
      { DescribeImages: withDisk },
    );

  test('names a disk that is smaller than the snapshot of the image’s root disk', async () => {
    expect(await faultsWith(9)).toEqual(['rootDisk/sizeGb too-small']);
    await ec2?.close();
    expect(await faultsWith(10)).toEqual([]);
  });
});

describe('a check of a given identity', () => {
  test('is a dry run with the instance profile', async () => {
    expect(await faultsOf({ identity: 'web' })).toEqual([]);
    expect(dryRuns()).toHaveLength(1);
    expect(dryRuns()[0]?.get('DryRun')).toBe('true');
    expect(dryRuns()[0]?.get('IamInstanceProfile.Name')).toBe('web');
  });

  test('names a role that the credential may not pass, and a profile that does not exist', async () => {
    const denied = refusal(
      403,
      'UnauthorizedOperation',
      'You are not authorized to perform this operation. User: arn is not authorized to perform: iam:PassRole on resource: arn',
    );
    expect(await faultsOf({ identity: 'web' }, { RunInstances: denied })).toEqual([
      'identity denied-identity',
    ]);
    const unknown = refusal(
      400,
      'InvalidParameterValue',
      'Value (web) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name',
    );
    expect(await faultsOf({ identity: 'web' }, { RunInstances: unknown })).toEqual([
      'identity unknown-identity',
    ]);
  });

  test('says nothing if the dry run is refused for another reason', async () => {
    const other = refusal(400, 'MissingInput', 'No default VPC');
    expect(await faultsOf({ identity: 'web' }, { RunInstances: other })).toEqual([]);
    const subnet = refusal(403, 'UnauthorizedOperation', 'not authorized to perform: ec2:RunInstances');
    expect(await faultsOf({ identity: 'web' }, { RunInstances: subnet })).toEqual([]);
  });
});

describe('a check of a placement group', () => {
  const group = (state: string) =>
    page(
      'DescribePlacementGroups',
      `<placementGroupSet><item><state>${state}</state></item></placementGroupSet>`,
    );

  test('reads the group by name or id, and finds nothing wrong with one that is available', async () => {
    expect(
      await faultsOf({ placementGroup: 'near' }, { DescribePlacementGroups: group('available') }),
    ).toEqual([]);
    expect(ec2?.calls.map((call) => call.get('GroupName.1'))).toEqual(['near']);
    await ec2?.close();
    const answers = { DescribePlacementGroups: group('available') };
    expect(await faultsOf({ placementGroup: 'pg-0123456789abcdef0' }, answers)).toEqual([]);
    expect(ec2?.calls.map((call) => call.get('GroupId.1'))).toEqual(['pg-0123456789abcdef0']);
  });

  test('names a group that does not exist or is being deleted, together with a wrong image', async () => {
    const unknown = refusal(400, 'InvalidPlacementGroup.Unknown', 'The Placement Group near is unknown.');
    expect(await faultsOf({ placementGroup: 'near' }, { DescribePlacementGroups: unknown })).toEqual([
      'placementGroup unknown-placement-group',
    ]);
    await ec2?.close();
    const answers = { DescribePlacementGroups: group('deleting'), DescribeImages: imagePage('arm64') };
    expect(await faultsOf({ placementGroup: 'near', imageId: IMAGE }, answers)).toEqual([
      'image architecture-mismatch',
      'placementGroup not-usable',
    ]);
  });

  test('says nothing without the right to read groups', async () => {
    const denied = refusal(403, 'UnauthorizedOperation', 'not authorized');
    expect(await faultsOf({ placementGroup: 'near' }, { DescribePlacementGroups: denied })).toEqual([]);
  });
});
