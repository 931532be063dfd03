import {
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeVpcsCommand,
  type SecurityGroup,
  type Subnet,
  type Vpc,
} from '@aws-sdk/client-ec2';
import type { GivenNetwork } from '../../model/network-choice.ts';
import type { NetworkFault } from '../contract/capabilities.ts';
import {
  type GivenSubnet,
  givenGroups,
  givenSubnets,
  madeForAFleet,
  subnetsMisfit,
} from '../contract/given-network.ts';
import { type Ec2, PAGE_SIZE } from './ec2.ts';
import { filter, isOf } from './tags.ts';

/** What EC2 shows of a given network. */
interface Shown {
  vpcs: Vpc[];
  subnets: Subnet[];
  groups: SecurityGroup[];
}

/** Finds what is wrong with a VPC that a user has given. Reads with filters, which accept ids of any form. */
export async function findFaults(
  ec2: Ec2,
  deploymentId: string,
  location: string,
  given: GivenNetwork,
): Promise<NetworkFault[]> {
  const shown = await readShown(ec2, location, given);
  const { networkId } = given;
  const vpc = shown.vpcs.find(({ VpcId }) => VpcId === networkId);
  return [
    ...vpcFaults(location, networkId, vpc, deploymentId),
    ...subnetFaults(location, given, shown.subnets),
    ...groupFaults(location, given, shown.groups, deploymentId),
  ];
}

async function readShown(ec2: Ec2, location: string, given: GivenNetwork): Promise<Shown> {
  const subnetIds = givenSubnets(given).map(({ id }) => id);
  const page = (NextToken: string | undefined) => ({ NextToken, MaxResults: PAGE_SIZE });
  const [vpcs, subnets, groups] = await Promise.all([
    ec2.all(
      (next) =>
        ec2.send(
          location,
          new DescribeVpcsCommand({ ...page(next), Filters: [filter('vpc-id', given.networkId)] }),
        ),
      ({ Vpcs }) => Vpcs,
    ),
    subnetIds.length === 0
      ? []
      : ec2.all(
          (next) =>
            ec2.send(
              location,
              new DescribeSubnetsCommand({ ...page(next), Filters: [filter('subnet-id', ...subnetIds)] }),
            ),
          ({ Subnets }) => Subnets,
        ),
    ec2.all(
      (next) =>
        ec2.send(
          location,
          new DescribeSecurityGroupsCommand({
            ...page(next),
            Filters: [filter('group-id', ...given.securityGroupIds)],
          }),
        ),
      ({ SecurityGroups }) => SecurityGroups,
    ),
  ]);
  return { vpcs, subnets, groups };
}

function vpcFaults(
  location: string,
  networkId: string,
  vpc: Vpc | undefined,
  deploymentId: string,
): NetworkFault[] {
  const pointer = '/networkId';
  if (!vpc) return [{ pointer, code: 'unknown-network', message: unknown(location, 'VPC', networkId) }];
  return isOf(deploymentId, vpc) ? [madeForAFleet(pointer, `VPC ${networkId}`)] : [];
}

function subnetFaults(location: string, given: GivenNetwork, shown: readonly Subnet[]): NetworkFault[] {
  const subnets = givenSubnets(given);
  if (subnets.length === 0 || subnets.some(({ zone }) => zone === undefined))
    return [subnetsMisfit('must name a subnet for each zone to use, such as {"us-east-1a": "subnet-…"}')];
  return subnets.flatMap((one) => {
    const subnet = shown.find(({ SubnetId }) => SubnetId === one.id);
    return subnetFault(location, given, one, subnet) ?? [];
  });
}

function subnetFault(
  location: string,
  { networkId }: GivenNetwork,
  { pointer, id, zone }: GivenSubnet,
  subnet: Subnet | undefined,
): NetworkFault | undefined {
  if (!subnet) return { pointer, code: 'unknown-subnet', message: unknown(location, 'subnet', id) };
  if (subnet.VpcId !== networkId) {
    const message = `subnet ${id} belongs to VPC ${subnet.VpcId}, not to ${networkId}`;
    return { pointer, code: 'other-network', message };
  }
  if (subnet.AvailabilityZone === zone) return undefined;
  return {
    pointer,
    code: 'other-zone',
    message: `subnet ${id} is in ${subnet.AvailabilityZone}, not in ${zone}`,
  };
}

function groupFaults(
  location: string,
  given: GivenNetwork,
  shown: readonly SecurityGroup[],
  deploymentId: string,
): NetworkFault[] {
  return givenGroups(given).flatMap(({ pointer, id }): NetworkFault[] => {
    const group = shown.find(({ GroupId }) => GroupId === id);
    if (!group) {
      return [{ pointer, code: 'unknown-security-group', message: unknown(location, 'security group', id) }];
    }
    if (isOf(deploymentId, group)) return [madeForAFleet(pointer, `security group ${id}`)];
    if (group.VpcId === given.networkId) return [];
    const message = `security group ${id} belongs to VPC ${group.VpcId}, not to ${given.networkId}`;
    return [{ pointer, code: 'other-network', message }];
  });
}

/** EC2 shows no resource of another region or account. */
const unknown = (location: string, what: string, id: string): string =>
  `EC2 shows this account no ${what} ${id} in ${location}`;
