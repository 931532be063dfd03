import { describe, expect, it } from 'vitest';
import { createAwsDriver } from '../../../../functions/drivers/aws/driver.ts';
import { awsMetadata } from '../../../../functions/drivers/aws/metadata.ts';
import { homeRegionOf, isSamePartition, partitionOf } from '../../../../functions/drivers/aws/partitions.ts';
import { clientSettings } from '../../../../functions/drivers/aws/settings.ts';
import { credentialError } from '../../../../functions/drivers/contract/credentials.ts';
import { openGate } from '../../../calls/gates.ts';
import { awsHandler } from '../../../samples/drivers.ts';

const roleIn = (partition: string) => `arn:${partition}:iam::111122223333:role/fleetwright-runner`;
const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'not-to-be-told' };
const ROLE = { externalId: 'a-word-that-is-hard-to-guess' };

const clientOf = (credential: Record<string, string>, ownRegion?: string) =>
  createAwsDriver(awsHandler, undefined, ownRegion).connect({
    cloud: 'aws',
    credential,
    deploymentId: 'test',
    calls: openGate,
  });

describe('partitions of AWS', () => {
  it.each([
    ['us-east-1', 'aws'],
    ['ap-southeast-7', 'aws'],
    ['cn-north-1', 'aws-cn'],
    ['cn-northwest-1', 'aws-cn'],
    ['us-gov-west-1', 'aws-us-gov'],
  ])('region %s is in the partition %s', (region, partition) => {
    expect(partitionOf(region)).toBe(partition);
  });

  it.each(['us-iso-east-1', 'us-isob-east-1', 'us-isof-south-1', 'eu-isoe-west-1', 'eusc-de-east-1'])(
    'region %s is in a partition that the driver does not serve, and the error says so',
    (region) => {
      expect(() => partitionOf(region)).toThrow(/does not serve: it serves aws, aws-cn, aws-us-gov/);
    },
  );

  it.each([
    ['eu-west-1', 'us-east-1', true],
    ['cn-north-1', 'us-east-1', false],
    ['cn-north-1', 'cn-northwest-1', true],
    ['eusc-de-east-1', 'eu-west-1', false],
  ])('whether region %s is in the partition of %s: %s', (region, home, expected) => {
    expect(isSamePartition(region, home)).toBe(expected);
  });

  it.each([
    ['sts', 'us-east-1', 'https://sts.us-east-1.amazonaws.com'],
    ['ec2', 'cn-northwest-1', 'https://ec2.cn-northwest-1.amazonaws.com.cn'],
    ['ssm', 'us-gov-east-1', 'https://ssm.us-gov-east-1.amazonaws.com'],
  ] as const)('the address of %s in %s is %s', (service, region, address) => {
    expect(clientSettings(service, region, undefined, awsHandler).endpoint).toBe(address);
  });
});

describe('homeRegionOf', () => {
  it("the home region is by default in the partition of the credential's role", () => {
    expect(homeRegionOf({ roleArn: roleIn('aws') }, undefined)).toBe('us-east-1');
    expect(homeRegionOf({ roleArn: roleIn('aws-cn') }, undefined)).toBe('cn-north-1');
    expect(homeRegionOf({ roleArn: roleIn('aws-us-gov') }, undefined)).toBe('us-gov-west-1');
    expect(homeRegionOf(KEYS, 'cn-north-1')).toBe('us-east-1');
    expect(homeRegionOf({ ...KEYS, homeRegion: 'cn-northwest-1' }, 'us-east-1')).toBe('cn-northwest-1');
  });

  it('a home region in another partition than the role is refused, with both partitions', () => {
    expect(() => homeRegionOf({ roleArn: roleIn('aws'), homeRegion: 'cn-north-1' }, undefined)).toThrow(
      'homeRegion cn-north-1 is in the partition aws-cn, and the role in aws',
    );
  });

  it('a role of another partition than the deployment is refused, and the error names the access key as the way out', () => {
    const credential = { ...ROLE, roleArn: roleIn('aws-us-gov') };
    expect(() => clientOf(credential, 'us-east-1')).toThrow(
      'the role is in the partition aws-us-gov, and this deployment in aws',
    );
    expect(() => clientOf(credential, 'us-gov-east-1')).not.toThrow();
    expect(() => clientOf(credential)).not.toThrow();
  });

  it('the pattern of roles accepts the partitions that the driver serves, and no other one', () => {
    for (const partition of ['aws', 'aws-cn', 'aws-us-gov'])
      expect(credentialError(awsMetadata, { ...ROLE, roleArn: roleIn(partition) })).toBeUndefined();
    for (const partition of ['aws-iso', 'aws-eusc', 'aws-cn-cn', 'AWS'])
      expect(credentialError(awsMetadata, { ...ROLE, roleArn: roleIn(partition) })).toBeDefined();
  });
});

it('a location of another partition is refused before any call, so that the credential does not seem refused', async () => {
  const inChina = clientOf({ ...KEYS, homeRegion: 'cn-north-1' });
  await expect(inChina.listInstances('us-east-1')).rejects.toMatchObject({
    code: 'InvalidRequest',
    message: expect.stringContaining(
      'region us-east-1 is in the partition aws, and this connection in aws-cn',
    ),
  });
  await expect(clientOf(KEYS).listInstances('us-gov-west-1')).rejects.toMatchObject({
    code: 'InvalidRequest',
  });
});
