import { z } from 'zod';
import type { SecurityGroupSpec } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import { resourceName } from '../contract/names.ts';
import { type SecurityGroup, securityGroupSchema } from './neutron-answers.ts';
import { ensureOne, type OwnedKind, orUndo } from './owned.ts';
import { descriptionOf } from './owner.ts';
import type { Region } from './region.ts';
import { refuseIfAwaited } from './servers.ts';

export const SECURITY_GROUPS: OwnedKind<SecurityGroup> = {
  kind: 'security-group',
  path: 'security-groups',
  key: 'security_groups',
  item: securityGroupSchema,
};

const SSH = 22;

/** Ensures a security group. By default, a security group of Neutron allows all outbound and no inbound traffic. */
export async function ensureSecurityGroup(
  region: Region,
  deploymentId: string,
  { name, sshFrom, tags }: SecurityGroupSpec,
): Promise<string> {
  const remove = (id: string) => deleteSecurityGroup(region, deploymentId, id);
  const make = async () => {
    const { security_group } = await region.call('network', {
      method: 'POST',
      path: ['security-groups'],
      body: {
        security_group: {
          name: resourceName(deploymentId, name),
          description: descriptionOf(deploymentId, tags),
        },
      },
      answer: z.object({ security_group: securityGroupSchema }),
    });
    return security_group;
  };
  const { item, isMine } = await ensureOne(region, SECURITY_GROUPS, deploymentId, name, make, remove);
  await orUndo(
    () => allowSsh(region, item, sshFrom),
    async () => {
      if (isMine) await remove(item.id);
    },
  );
  return item.id;
}

/** Deletes a security group. @throws DriverError Conflict while a machine uses it, or is about to use it */
export async function deleteSecurityGroup(region: Region, deploymentId: string, id: string): Promise<void> {
  await refuseIfAwaited(region, deploymentId, 'security-group', id);
  await region.remove('network', ['security-groups', id]);
}

async function allowSsh(region: Region, group: SecurityGroup, from: string | undefined): Promise<void> {
  if (from === undefined || group.security_group_rules.some(({ direction }) => direction === 'ingress'))
    return;
  try {
    await region.call('network', {
      method: 'POST',
      path: ['security-group-rules'],
      body: {
        security_group_rule: {
          security_group_id: group.id,
          direction: 'ingress',
          ethertype: from.includes(':') ? 'IPv6' : 'IPv4',
          protocol: 'tcp',
          port_range_min: SSH,
          port_range_max: SSH,
          remote_ip_prefix: from,
        },
      },
      answer: z.unknown(),
    });
  } catch (error) {
    // A concurrent call has created the rule.
    if (!(error instanceof DriverError) || error.code !== 'Conflict') throw error;
  }
}
