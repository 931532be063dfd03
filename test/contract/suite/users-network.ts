import assert from 'node:assert/strict';
import type { UsersNetwork } from './harness.ts';
import type { Lab } from './lab.ts';

const USERS = 'contract-suite-users';

/**
 * Makes a network with a security group that does not belong to this deployment. Another deployment makes it, unless
 * the harness has a way of its own.
 */
export async function makeUsersNetwork(lab: Lab): Promise<UsersNetwork> {
  const { cloud, client } = lab;
  const { location } = cloud;
  const name = lab.name();
  if (cloud.makeUsersNetwork) return await cloud.makeUsersNetwork(client, location, name);
  const user = lab.ofDeployment(USERS);
  const base = { location, name, tags: {} };
  const network = await user.ensureNetwork({ ...base, cidr: '10.50.0.0/16' });
  const group = await user.ensureSecurityGroup({ ...base, networkBackendId: network.backendId, rules: [] });
  const { backendId, subnetBackendId, zones = [] } = network;
  const byZone = Object.fromEntries(
    zones.map((one) => [one.zone, one.subnetBackendId ?? subnetBackendId ?? '']),
  );
  assert.ok(zones.length > 0 || subnetBackendId !== undefined, 'the network has no subnet');
  return {
    given: {
      networkId: backendId,
      subnetIds: zones.length > 0 ? byZone : [subnetBackendId ?? ''],
      securityGroupIds: [group.backendId],
    },
    remove: async () => {
      await user.deleteSecurityGroup(location, group.backendId);
      await user.deleteNetwork(location, backendId);
    },
  };
}
