import * as z from 'zod';
import type { GivenNetwork } from '../../model/network-choice.ts';
import type { NetworkFault } from '../contract/capabilities.ts';
import {
  type GivenSubnet,
  givenGroups,
  givenSubnets,
  madeForAFleet,
  subnetsMisfit,
} from '../contract/given-network.ts';
import { parseResourceName } from '../contract/names.ts';
import { networkSchema, type Resource, securityGroupSchema, subnetSchema } from './neutron-answers.ts';
import { isOf, tagsOf } from './owner.ts';
import type { Region } from './region.ts';

const givenNetworkSchema = networkSchema.extend({
  'router:external': z.boolean().nullish(),
  shared: z.boolean().nullish(),
});
const ownedSubnetSchema = subnetSchema.extend({ network_id: z.string() });
type Network = z.output<typeof givenNetworkSchema>;
type Subnet = z.output<typeof ownedSubnetSchema>;

/** A server's metadata names its security groups (`servers.ts`). Nova limits the length of one value. */
const MAX_GROUPS = 6;

/**
 * Finds what is wrong with a network that a user has given. The network may belong to another project that shares it.
 * Neutron's security groups belong to no network.
 */
export async function findFaults(
  region: Region,
  deploymentId: string,
  given: GivenNetwork,
): Promise<NetworkFault[]> {
  const { networkId } = given;
  const [network, subnets, groups] = await Promise.all([
    readNetwork(region, networkId),
    readSubnets(region, { network_id: networkId }),
    readGroups(region, given),
  ]);
  return [
    ...networkFaults(region, given, network, subnets, deploymentId),
    ...(network ? await subnetFaults(region, given, subnets) : []),
    ...groupFaults(region, given, groups, deploymentId),
  ];
}

async function readNetwork(region: Region, id: string): Promise<Network | undefined> {
  const call = { path: ['networks'], key: 'networks', item: givenNetworkSchema, query: { id } };
  return (await region.readAll('network', call)).find((one) => one.id === id);
}

async function readSubnets(region: Region, query: Record<string, string>): Promise<Subnet[]> {
  return await region.readAll('network', {
    path: ['subnets'],
    key: 'subnets',
    item: ownedSubnetSchema,
    query,
  });
}

async function readGroups(region: Region, given: GivenNetwork): Promise<Resource[]> {
  const found = await Promise.all(
    givenGroups(given)
      .slice(0, MAX_GROUPS)
      .map(({ id }) =>
        region.readAll('network', {
          path: ['security-groups'],
          key: 'security_groups',
          item: securityGroupSchema,
          query: { id },
        }),
      ),
  );
  return found.flat();
}

function isOurs(deploymentId: string, { description, name }: Resource): boolean {
  return isOf(deploymentId, tagsOf(description), parseResourceName(deploymentId, name) !== undefined);
}

function networkFaults(
  { name: region }: Region,
  { networkId }: GivenNetwork,
  network: Network | undefined,
  subnets: readonly Subnet[],
  deploymentId: string,
): NetworkFault[] {
  const pointer = '/networkId';
  if (!network) {
    const message = `Neutron shows this project no network ${networkId} in region ${region}`;
    return [{ pointer, code: 'unknown-network', message }];
  }
  if (isOurs(deploymentId, network)) return [madeForAFleet(pointer, `network ${networkId}`)];
  if (subnets.length === 0) {
    const message = `network ${networkId} has no subnet, and Nova starts no server without an address`;
    return [{ pointer, code: 'not-usable', message }];
  }
  if (network['router:external'] && !network.shared) {
    const message = `network ${networkId} is an external network that is not shared: Nova starts no server in it`;
    return [{ pointer, code: 'not-usable', message }];
  }
  return [];
}

/** Nova chooses among all subnets of a network, so that a request for some of them could not be fulfilled. */
async function subnetFaults(
  region: Region,
  given: GivenNetwork,
  ofNetwork: readonly Subnet[],
): Promise<NetworkFault[]> {
  const subnets = givenSubnets(given);
  if (subnets.some(({ zone }) => zone !== undefined))
    return [subnetsMisfit('must be left out, or a list: subnets of OpenStack belong to no zone')];
  const isOfNetwork = ({ id }: GivenSubnet) => ofNetwork.some((one) => one.id === id);
  const strange = subnets.filter((one) => !isOfNetwork(one));
  const faults = await Promise.all(strange.map((one) => strangeSubnet(region, given.networkId, one)));
  if (faults.length > 0 || subnets.length === 0) return faults;
  const left = ofNetwork.filter(({ id }) => !subnets.some((one) => one.id === id));
  if (left.length === 0) return [];
  const others = left.map(({ id }) => id).join(', ');
  return [
    subnetsMisfit(
      `Nova chooses among all subnets of network ${given.networkId}: leave subnetIds out, or add ${others}`,
    ),
  ];
}

async function strangeSubnet(
  region: Region,
  networkId: string,
  { pointer, id }: GivenSubnet,
): Promise<NetworkFault> {
  const found = (await readSubnets(region, { id })).find((one) => one.id === id);
  if (found) {
    const message = `subnet ${id} belongs to network ${found.network_id}, not to ${networkId}`;
    return { pointer, code: 'other-network', message };
  }
  const message = `Neutron shows this project no subnet ${id} in region ${region.name}`;
  return { pointer, code: 'unknown-subnet', message };
}

function groupFaults(
  { name: region }: Region,
  given: GivenNetwork,
  groups: readonly Resource[],
  deploymentId: string,
): NetworkFault[] {
  const all = givenGroups(given);
  if (all.length > MAX_GROUPS) {
    const message = `the driver gives a server at most ${MAX_GROUPS} security groups`;
    return [{ pointer: '/securityGroupIds', code: 'too-many', message }];
  }
  return all.flatMap(({ pointer, id }): NetworkFault[] => {
    const group = groups.find((one) => one.id === id);
    if (group) return isOurs(deploymentId, group) ? [madeForAFleet(pointer, `security group ${id}`)] : [];
    const message = `Neutron shows this project no security group ${id} in region ${region}`;
    return [{ pointer, code: 'unknown-security-group', message }];
  });
}
