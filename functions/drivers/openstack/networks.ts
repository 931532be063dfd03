import * as z from 'zod';
import type { NetworkSpec, RecordedMachines } from '../contract/driver.ts';
import { resourceName } from '../contract/names.ts';
import { sleepBy } from '../contract/surroundings.ts';
import { networkSchema, type Port, portSchema, type Resource, subnetSchema } from './neutron-answers.ts';
import { ensureOne, type OwnedKind, orUndo } from './owned.ts';
import { descriptionOf } from './owner.ts';
import type { Region } from './region.ts';
import { deleteRouters, ensureRouter, findExternalNetwork, isRouterPort } from './routers.ts';
import { refuseIfAwaited } from './servers.ts';
import { removeStalePorts } from './stale-ports.ts';

export const NETWORKS: OwnedKind<Resource> = {
  kind: 'network',
  path: 'networks',
  key: 'networks',
  item: networkSchema,
};

/**
 * If another call made the network, that call also makes the subnet and the router. This call waits for both until the
 * network has this age, in ms. After that, this call makes what is missing.
 */
const MAKER_MS = 10_000;
const POLL_MS = 1_000;

/** Ensures a network with one subnet. If the cloud has an external network, a router connects the subnet to it. */
export async function ensureNetwork(
  region: Region,
  deploymentId: string,
  spec: NetworkSpec,
): Promise<{ backendId: string; subnetBackendId: string }> {
  const remove = (id: string) => deleteNetwork(region, deploymentId, id);
  const make = async () => {
    const { network } = await region.call('network', {
      method: 'POST',
      path: ['networks'],
      body: {
        network: {
          name: resourceName(deploymentId, spec.name),
          description: descriptionOf(deploymentId, spec.tags),
        },
      },
      answer: z.object({ network: networkSchema }),
    });
    return network;
  };
  const { item, isMine } = await ensureOne(region, NETWORKS, deploymentId, spec.name, make, remove);
  const complete = () => completeNetwork(region, deploymentId, item.id, spec);
  if (isMine) {
    const subnetBackendId = await orUndo(complete, () => remove(item.id));
    return { backendId: item.id, subnetBackendId };
  }
  const subnetBackendId = (await waitForMaker(region, item)) ?? (await complete());
  return { backendId: item.id, subnetBackendId };
}

/**
 * Deletes a network and its router. @throws DriverError Conflict while machines use the network, or are about to use
 * it; nothing is deleted then
 */
export async function deleteNetwork(
  region: Region,
  deploymentId: string,
  id: string,
  machines?: RecordedMachines,
): Promise<void> {
  const ports = await readPorts(region, id);
  // Ports of DHCP and similar services are deleted with the network.
  const used = ports.filter(({ device_owner: owner }) => owner !== '' && !owner.startsWith('network:'));
  if (used.length > 0) await removeStalePorts(region, deploymentId, { networkId: id, ports: used }, machines);
  await refuseIfAwaited(region, deploymentId, 'network', id);
  await deleteRouters(region, deploymentId, id, ports.filter(isRouterPort));
  await region.remove('network', ['networks', id]);
}

async function completeNetwork(
  region: Region,
  deploymentId: string,
  networkId: string,
  spec: NetworkSpec,
): Promise<string> {
  const subnetId = await ensureSubnet(region, deploymentId, networkId, spec);
  const ports = await readPorts(region, networkId);
  if (!ports.some(isRouterPort)) {
    await ensureRouter(region, deploymentId, { networkId, subnetId, spec }, () =>
      readPorts(region, networkId),
    );
  }
  return subnetId;
}

/**
 * Waits until the call that made the network has completed it. @returns the subnet's id; undefined if the network is
 * older than `MAKER_MS` and still not complete
 */
async function waitForMaker(region: Region, network: Resource): Promise<string | undefined> {
  const ageMs = region.clock.now() - Date.parse(network.created_at ?? '');
  const untilMs = region.clock.now() + Math.max(0, MAKER_MS - (Number.isNaN(ageMs) ? 0 : ageMs));
  const hasOutside = (await findExternalNetwork(region)) !== undefined;
  for (;;) {
    const ports = await readPorts(region, network.id);
    const isConnected = !hasOutside || ports.some(isRouterPort);
    const subnetId = isConnected ? await findSubnet(region, network.id) : undefined;
    if (subnetId !== undefined || region.clock.now() > untilMs) return subnetId;
    await sleepBy(region.clock, POLL_MS);
  }
}

/**
 * Ensures the subnet. Neutron refuses overlapping subnets in one network. Therefore only the first of several
 * concurrent calls makes a subnet.
 */
async function ensureSubnet(
  region: Region,
  deploymentId: string,
  networkId: string,
  spec: NetworkSpec,
): Promise<string> {
  const found = await findSubnet(region, networkId);
  if (found !== undefined) return found;
  try {
    const { subnet } = await region.call('network', {
      method: 'POST',
      path: ['subnets'],
      body: {
        subnet: {
          network_id: networkId,
          name: resourceName(deploymentId, spec.name),
          description: descriptionOf(deploymentId, spec.tags),
          cidr: spec.cidr,
          ip_version: spec.cidr.includes(':') ? 6 : 4,
        },
      },
      answer: z.object({ subnet: subnetSchema }),
    });
    return subnet.id;
  } catch (error) {
    const made = await findSubnet(region, networkId);
    if (made !== undefined) return made;
    throw error;
  }
}

async function findSubnet(region: Region, networkId: string): Promise<string | undefined> {
  const [subnet] = await region.readAll('network', {
    path: ['subnets'],
    key: 'subnets',
    item: subnetSchema,
    query: { network_id: networkId },
  });
  return subnet?.id;
}

async function readPorts(region: Region, networkId: string): Promise<Port[]> {
  return await region.readAll('network', {
    path: ['ports'],
    key: 'ports',
    item: portSchema,
    query: { network_id: networkId },
  });
}
