import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  DescribeSecurityGroupsCommand,
  type SecurityGroup,
} from '@aws-sdk/client-ec2';
import { type CloudNetworkResource, DEPLOYMENT_TAG, type SecurityGroupSpec } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import { parseResourceName, resourceName } from '../contract/names.ts';
import { type Ec2, PAGE_SIZE } from './ec2.ts';
import { unless } from './errors.ts';
import { filter, isOf, NAME_TAG, tagFilter, tagsFor } from './tags.ts';
import { whenVisible } from './visible.ts';

const SSH_PORT = 22;

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
    const { location, sshFrom } = spec;
    const groupId = await whenVisible(this.#ec2.clock, () => this.#ensureGroup(spec));
    if (sshFrom !== undefined) {
      const range = sshFrom.includes(':')
        ? { Ipv6Ranges: [{ CidrIpv6: sshFrom }] }
        : { IpRanges: [{ CidrIp: sshFrom }] };
      const rule = new AuthorizeSecurityGroupIngressCommand({
        GroupId: groupId,
        IpPermissions: [{ IpProtocol: 'tcp', FromPort: SSH_PORT, ToPort: SSH_PORT, ...range }],
      });
      await whenVisible(this.#ec2.clock, () => unless(['Conflict'], () => this.#ec2.send(location, rule)));
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
