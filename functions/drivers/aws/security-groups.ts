import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  DescribeSecurityGroupsCommand,
  type IpPermission,
  type SecurityGroup,
} from '@aws-sdk/client-ec2';
import type { PortRange } from '../../model/inbound-rule.ts';
import {
  type AllowRule,
  type CloudNetworkResource,
  DEPLOYMENT_TAG,
  type SecurityGroupSpec,
} from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import { parseResourceName, resourceName } from '../contract/names.ts';
import { type Ec2, PAGE_SIZE } from './ec2.ts';
import { unless } from './errors.ts';
import { filter, isOf, NAME_TAG, tagFilter, tagsFor } from './tags.ts';
import { whenVisible } from './visible.ts';

/**
 * Manages security groups. Names are unique in a VPC. Inbound traffic is denied unless a rule allows it. All outbound
 * traffic is allowed.
 */
export class SecurityGroups {
  readonly #ec2: Ec2;
  readonly #deploymentId: string;

  constructor(ec2: Ec2, deploymentId: string) {
    this.#ec2 = ec2;
    this.#deploymentId = deploymentId;
  }

  async ensure(spec: SecurityGroupSpec): Promise<{ backendId: string }> {
    const { location, rules } = spec;
    const groupId = await whenVisible(this.#ec2.clock, () => this.#ensureGroup(spec));
    if (rules.length > 0) {
      // One request makes all rules or none. Therefore a refusal of one rule as a duplicate means that all exist.
      const allow = new AuthorizeSecurityGroupIngressCommand({
        GroupId: groupId,
        IpPermissions: rules.map(permissionOf),
      });
      await whenVisible(this.#ec2.clock, () => unless(['Conflict'], () => this.#ec2.send(location, allow)));
    }
    return { backendId: groupId };
  }

  async find(location: string, name: string): Promise<string | undefined> {
    const called = resourceName(this.#deploymentId, name);
    const groups = await this.#groups(location, [filter('group-name', called)]);
    return groups.find((group) => isOf(this.#deploymentId, group))?.GroupId;
  }

  async list(location: string): Promise<CloudNetworkResource[]> {
    const groups = await this.#groups(location, [tagFilter(DEPLOYMENT_TAG, this.#deploymentId)]);
    return groups.map(({ GroupId = '', GroupName = '' }) => ({
      kind: 'security-group',
      backendId: GroupId,
      name: parseResourceName(this.#deploymentId, GroupName) ?? GroupName,
    }));
  }

  async delete(location: string, GroupId: string): Promise<void> {
    await unless(['NotFound'], () => this.#ec2.send(location, new DeleteSecurityGroupCommand({ GroupId })));
  }

  async #ensureGroup({ location, name, networkBackendId, tags }: SecurityGroupSpec): Promise<string> {
    const called = resourceName(this.#deploymentId, name);
    const all = { ...tags, [NAME_TAG]: called, [DEPLOYMENT_TAG]: this.#deploymentId };
    try {
      const { GroupId } = await this.#ec2.send(
        location,
        new CreateSecurityGroupCommand({
          GroupName: called,
          Description: 'made by Fleetwright',
          VpcId: networkBackendId,
          TagSpecifications: tagsFor(['security-group'], all),
        }),
      );
      if (GroupId !== undefined) return GroupId;
    } catch (error) {
      if (!(error instanceof DriverError) || error.code !== 'Conflict') throw error;
    }
    const [known] = await this.#groups(location, [
      filter('group-name', called),
      filter('vpc-id', networkBackendId),
    ]);
    if (known?.GroupId === undefined) {
      throw new DriverError('Unavailable', `EC2 does not show the security group ${called} yet`);
    }
    if (isOf(this.#deploymentId, known)) return known.GroupId;
    throw new DriverError(
      'Conflict',
      `the security group ${known.GroupId}, called ${called}, does not belong to this deployment`,
    );
  }

  async #groups(location: string, Filters: { Name: string; Values: string[] }[]): Promise<SecurityGroup[]> {
    return await this.#ec2.all(
      (NextToken) =>
        this.#ec2.send(
          location,
          new DescribeSecurityGroupsCommand({ Filters, NextToken, MaxResults: PAGE_SIZE }),
        ),
      (page) => page.SecurityGroups,
    );
  }
}

/** Converts a rule. EC2 writes all types of ICMP as -1. */
function permissionOf({ protocol, ports, source }: AllowRule): IpPermission {
  const { first: FromPort = -1, last: ToPort = -1 } = ports ?? allOf(protocol);
  const base = { IpProtocol: protocol, FromPort, ToPort };
  if ('securityGroupBackendId' in source)
    return { ...base, UserIdGroupPairs: [{ GroupId: source.securityGroupBackendId }] };
  if (!source.cidr.includes(':')) return { ...base, IpRanges: [{ CidrIp: source.cidr }] };
  const IpProtocol = protocol === 'icmp' ? 'icmpv6' : protocol;
  return { ...base, IpProtocol, Ipv6Ranges: [{ CidrIpv6: source.cidr }] };
}

/** EC2 accepts -1 only for ICMP: TCP and UDP need both ends of the range. */
function allOf(protocol: AllowRule['protocol']): Partial<PortRange> {
  return protocol === 'icmp' ? {} : { first: 0, last: 65_535 };
}
