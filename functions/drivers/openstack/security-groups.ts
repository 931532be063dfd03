import * as z from 'zod';
import type { SecurityGroupSpec } from '../contract/driver.ts';
import { resourceName } from '../contract/names.ts';
import { type SecurityGroup, securityGroupSchema } from './neutron-answers.ts';
import { ensureOne, type OwnedKind, orUndo } from './owned.ts';
import { descriptionOf } from './owner.ts';
import type { Region } from './region.ts';
import { ensureRules } from './security-group-rules.ts';
import { refuseIfAwaited } from './servers.ts';

export const SECURITY_GROUPS: OwnedKind<SecurityGroup> = {
  kind: 'security-group',
  path: 'security-groups',
  key: 'security_groups',
  item: securityGroupSchema,
};

/** Ensures a security group. By default, a security group of Neutron allows all outbound and no inbound traffic. */
export async function ensureSecurityGroup(
  region: Region,
  deploymentId: string,
  { name, rules, tags }: SecurityGroupSpec,
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
    () => ensureRules(region, item, rules),
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
