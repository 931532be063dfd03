import type { GivenNetwork } from '../../model/network-choice.ts';
import type { NetworkFault } from '../contract/capabilities.ts';
import {
  type GivenSubnet,
  givenGroups,
  givenSubnets,
  madeForAFleet,
  subnetsMisfit,
} from '../contract/given-network.ts';
import { type SecurityGroupAnswer, securityGroupSchema, type VpcAnswer, vpcSchema } from './answers.ts';
import { isNotFound } from './errors.ts';
import type { SpiderSite } from './registration.ts';
import type { SpiderTransport } from './transport.ts';

export interface Reading {
  transport: SpiderTransport;
  site: SpiderSite;
  /** Returns true if this driver gave the name. */
  isOurs(name: string): boolean;
}

/**
 * Finds what is wrong with a network that a user has given. Its parts are given by the names under which they are
 * registered in CB-Spider, at the connection config of the driver.
 */
export async function findFaults(reading: Reading, given: GivenNetwork): Promise<NetworkFault[]> {
  const { networkId } = given;
  const pointer = '/networkId';
  if (reading.isOurs(networkId)) return [madeForAFleet(pointer, `VPC ${networkId}`)];
  const [vpc, groups] = await Promise.all([
    read(() => readVpc(reading, networkId)),
    Promise.all(
      givenGroups(given).map(async ({ pointer: at, id }) => ({
        pointer: at,
        id,
        group: await read(() => readGroup(reading, id)),
      })),
    ),
  ]);
  return [
    ...(vpc
      ? subnetFaults(given, vpc, reading.site)
      : [{ pointer, code: 'unknown-network' as const, message: unregistered(reading, 'VPC', networkId) }]),
    ...groups.flatMap(({ pointer: at, id, group }): NetworkFault[] => {
      if (reading.isOurs(id)) return [madeForAFleet(at, `security group ${id}`)];
      if (!group) {
        return [
          {
            pointer: at,
            code: 'unknown-security-group',
            message: unregistered(reading, 'security group', id),
          },
        ];
      }
      const { NameId } = group.VpcIID;
      if (NameId === networkId) return [];
      const message = `security group ${id} belongs to VPC ${NameId}, not to ${networkId}`;
      return [{ pointer: at, code: 'other-network', message }];
    }),
  ];
}

const unregistered = ({ site }: Reading, what: string, name: string): string =>
  `CB-Spider has no ${what} ${name} at its connection config ${site.connectionName}: register it there by its name`;

/** Returns undefined if the resource is not registered. */
async function read<Answer>(ask: () => Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function readVpc({ transport, site }: Reading, name: string): Promise<VpcAnswer> {
  const { location, connectionName } = site;
  return await transport.call({
    location,
    method: 'GET',
    path: ['vpc', name],
    query: { ConnectionName: connectionName },
    answer: vpcSchema,
  });
}

async function readGroup({ transport, site }: Reading, name: string): Promise<SecurityGroupAnswer> {
  const { location, connectionName } = site;
  return await transport.call({
    location,
    method: 'GET',
    path: ['securitygroup', name],
    query: { ConnectionName: connectionName },
    answer: securityGroupSchema,
  });
}

function subnetFaults(
  given: GivenNetwork,
  { SubnetInfoList }: VpcAnswer,
  { location, zones }: SpiderSite,
): NetworkFault[] {
  const subnets = givenSubnets(given);
  const isByZone = subnets.some(({ zone }) => zone !== undefined);
  if (!isByZone && subnets.length !== 1) {
    return [subnetsMisfit('must be a list of one subnet, or name a subnet for each zone to use')];
  }
  return subnets.flatMap(({ pointer, id, zone }: GivenSubnet): NetworkFault[] => {
    const subnet = SubnetInfoList.find(({ IId }) => IId.NameId === id);
    if (!subnet) {
      const message = `VPC ${given.networkId} has no subnet ${id} in CB-Spider`;
      return [{ pointer, code: 'unknown-subnet', message }];
    }
    if (zone === undefined) return [];
    const where = subnet.Zone ?? zone;
    if (where !== zone)
      return [{ pointer, code: 'other-zone', message: `subnet ${id} is in ${where}, not in ${zone}` }];
    if (zones.includes(zone)) return [];
    return [{ pointer, code: 'other-zone', message: `location ${location} has no zone ${zone}` }];
  });
}
