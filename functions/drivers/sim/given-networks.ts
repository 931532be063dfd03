import type { GivenNetwork } from '../../model/network-choice.ts';
import type { NetworkFault } from '../contract/capabilities.ts';
import type { NetworkResourceKind } from '../contract/driver.ts';
import {
  type GivenSubnet,
  givenGroups,
  givenSubnets,
  madeForAFleet,
  subnetsMisfit,
} from '../contract/given-network.ts';
import { parseResourceName } from '../contract/names.ts';
import { isOf, type ResourceAnswer } from './answers.ts';

/** Reads the resources with these ids. Leaves out ids that the cloud does not show. */
export type ReadByIds = (kind: NetworkResourceKind, ids: readonly string[]) => Promise<ResourceAnswer[]>;

/** Finds what is wrong with a network that a user has given. Each network has one subnet, which is in all its zones. */
export async function findFaults(
  given: GivenNetwork,
  deploymentId: string,
  location: string,
  read: ReadByIds,
): Promise<NetworkFault[]> {
  const { networkId, securityGroupIds } = given;
  const [networks, groups] = await Promise.all([
    read('network', [networkId]),
    read('security-group', securityGroupIds),
  ]);
  const network = networks.find(({ id }) => id === networkId);
  const isOurs = (one: ResourceAnswer) => isOf(deploymentId, one, parseResourceName);
  return [
    ...(network ? [] : [unknown('/networkId', 'unknown-network', `${location} has no network ${networkId}`)]),
    ...(network && isOurs(network) ? [madeForAFleet('/networkId', `network ${networkId}`)] : []),
    ...(network ? subnetFaults(given, network) : []),
    ...givenGroups(given).flatMap(({ pointer, id }): NetworkFault[] => {
      const group = groups.find((one) => one.id === id);
      if (!group)
        return [unknown(pointer, 'unknown-security-group', `${location} has no security group ${id}`)];
      if (isOurs(group)) return [madeForAFleet(pointer, `security group ${id}`)];
      if (!network || group.networkId === networkId) return [];
      const message = `security group ${id} belongs to network ${group.networkId}, not to ${networkId}`;
      return [{ pointer, code: 'other-network', message }];
    }),
  ];
}

const unknown = (pointer: string, code: NetworkFault['code'], message: string): NetworkFault => ({
  pointer,
  code,
  message,
});

function subnetFaults(given: GivenNetwork, { id, subnetId, zones = [] }: ResourceAnswer): NetworkFault[] {
  const subnets = givenSubnets(given);
  const byZone = subnets.filter(({ zone }) => zone !== undefined);
  if (zones.length > 0 && byZone.length === 0)
    return [
      subnetsMisfit(`must name a subnet for each zone to use: network ${id} is in ${zones.join(', ')}`),
    ];
  if (zones.length === 0 && byZone.length > 0)
    return [subnetsMisfit('must be left out, or a list: the cloud has no zones')];
  return subnets.flatMap(({ pointer, id: subnet, zone }: GivenSubnet): NetworkFault[] => {
    if (subnet !== subnetId)
      return [unknown(pointer, 'unknown-subnet', `network ${id} has no subnet ${subnet}`)];
    if (zone === undefined || zones.includes(zone)) return [];
    const message = `subnet ${subnet} is not in zone ${zone}: it is in ${zones.join(', ')}`;
    return [{ pointer, code: 'other-zone', message }];
  });
}
