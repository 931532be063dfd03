import { DriverError } from '../contract/errors.ts';

/**
 * The partitions of AWS that the driver serves. Accounts, credentials and roles of one partition are unknown in the
 * others.
 */
const PARTITIONS = {
  aws: { homeRegion: 'us-east-1', domain: 'amazonaws.com' },
  'aws-cn': { homeRegion: 'cn-north-1', domain: 'amazonaws.com.cn' },
  'aws-us-gov': { homeRegion: 'us-gov-west-1', domain: 'amazonaws.com' },
} as const;
export type Partition = keyof typeof PARTITIONS;

/** Beginnings of names of regions that are in none of these partitions: isolated regions, and the European cloud. */
const OTHERS = /^(?:us|eu)-iso[a-z]*-|^eusc-/;

/** Returns the partition of a region by its name. @throws DriverError InvalidRequest for an unsupported partition */
export function partitionOf(region: string): Partition {
  const partition = servedPartitionOf(region);
  if (partition) return partition;
  throw new DriverError(
    'InvalidRequest',
    `region ${region} is in a partition of AWS that this driver does not serve: it serves ${Object.keys(PARTITIONS).join(', ')}`,
  );
}

function servedPartitionOf(region: string): Partition | undefined {
  if (region.startsWith('cn-')) return 'aws-cn';
  if (region.startsWith('us-gov-')) return 'aws-us-gov';
  return OTHERS.test(region) ? undefined : 'aws';
}

/** Returns true if a region is in the partition of the home region. */
export function isSamePartition(region: string, homeRegion: string): boolean {
  return servedPartitionOf(region) === partitionOf(homeRegion);
}

/** Returns the domain of the host names of a region. */
export const domainOf = (region: string): string => PARTITIONS[partitionOf(region)].domain;

/** Returns the host of IAM in the partition of a region, and the region whose name its requests are signed with. */
export function iamHomeOf(region: string): { host: string; region: string } {
  switch (partitionOf(region)) {
    case 'aws':
      return { host: 'iam.amazonaws.com', region: 'us-east-1' };
    case 'aws-cn':
      return { host: 'iam.cn-north-1.amazonaws.com.cn', region: 'cn-north-1' };
    case 'aws-us-gov':
      return { host: 'iam.us-gov.amazonaws.com', region: 'us-gov-west-1' };
  }
}

/**
 * Returns the region for calls that belong to no region: the one that the credential names, else one of the partition
 * of its role, else us-east-1.
 *
 * @param ownRegion region of the function; absent: unknown, so that the function's own partition is not compared
 * @throws DriverError InvalidRequest if the role and the region are in different partitions, or the role and the
 *   function are: STS knows no function of another partition
 */
export function homeRegionOf(
  { roleArn, homeRegion }: Readonly<Record<string, string | undefined>>,
  ownRegion: string | undefined,
): string {
  const ofRole = roleArn === undefined ? undefined : partitionOfArn(roleArn);
  const region = homeRegion ?? PARTITIONS[ofRole ?? 'aws'].homeRegion;
  const ofRegion = partitionOf(region);
  if (ofRole !== undefined && ofRole !== ofRegion) {
    throw new DriverError(
      'InvalidRequest',
      `homeRegion ${region} is in the partition ${ofRegion}, and the role in ${ofRole}: name a region of ${ofRole}, or leave homeRegion out`,
    );
  }
  const own = ownRegion === undefined ? undefined : partitionOf(ownRegion);
  if (ofRole !== undefined && own !== undefined && ofRole !== own) {
    throw new DriverError(
      'InvalidRequest',
      `the role is in the partition ${ofRole}, and this deployment in ${own}: a role can be assumed only within its partition. Use an access key, with a homeRegion of ${ofRole}`,
    );
  }
  return region;
}

function partitionOfArn(arn: string): Partition {
  const name = arn.split(':')[1] ?? '';
  for (const partition of ['aws', 'aws-cn', 'aws-us-gov'] as const) if (partition === name) return partition;
  throw new DriverError(
    'InvalidRequest',
    `the role is in the partition ${name}, which this driver does not serve`,
  );
}

/**
 * Checks that a location is in the partition of the connection. Without this check, its endpoint would refuse the
 * credential, and the connection would seem to have a wrong one.
 *
 * @throws DriverError InvalidRequest
 */
export function requireSamePartition(location: string, homeRegion: string): void {
  const [wanted, own] = [partitionOf(location), partitionOf(homeRegion)];
  if (wanted === own) return;
  throw new DriverError(
    'InvalidRequest',
    `region ${location} is in the partition ${wanted}, and this connection in ${own}: use a connection with a credential of ${wanted}`,
  );
}
