import * as z from 'zod';
import { INSTANCE_TAG, type RecordedMachines } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import { parseMachineName, parseResourceName } from '../contract/names.ts';
import type { Port } from './neutron-answers.ts';
import { isOf, tagsOf } from './owner.ts';
import type { Region } from './region.ts';

/** Maximum number of ports that one error names. */
const MOST_NAMED = 3;

/**
 * Removes the ports of servers that no longer exist. Nova may leave a port behind, and Neutron then refuses to delete
 * the network for ever.
 *
 * A port is removed only if its name or description is this deployment's, Nova has no server with the id in the port,
 * and a closed record of the fleet has that id. Nova also answers 404 for the servers of other projects. Therefore the
 * 404 alone proves nothing.
 *
 * @param ports the ports of the network, without those of Neutron's own services
 * @throws DriverError Conflict, with the names of the ports, if any other port is in the network; nothing is removed then
 */
export async function removeStalePorts(
  region: Region,
  deploymentId: string,
  { networkId, ports }: { networkId: string; ports: readonly Port[] },
  machines: RecordedMachines | undefined,
): Promise<void> {
  const others: Port[] = [];
  for (const port of ports) if (!(await isStale(region, deploymentId, port, machines))) others.push(port);
  if (others.length > 0) {
    const named = others.slice(0, MOST_NAMED).map(nameOf).join(', ');
    const more = others.length > MOST_NAMED ? ` and ${others.length - MOST_NAMED} more` : '';
    throw new DriverError('Conflict', `network ${networkId} is in use by ${named}${more}`);
  }
  for (const { id } of ports) await region.remove('network', ['ports', id]);
}

async function isStale(
  region: Region,
  deploymentId: string,
  { name, description, device_owner: owner, device_id: serverId }: Port,
  machines: RecordedMachines | undefined,
): Promise<boolean> {
  if (!machines || !owner.startsWith('compute:') || serverId === '') return false;
  const machine = parseMachineName(deploymentId, name);
  const isNamed = machine !== undefined || parseResourceName(deploymentId, name) !== undefined;
  const tags = tagsOf(description);
  if (!isOf(deploymentId, tags, isNamed)) return false;
  const instanceId = tags[INSTANCE_TAG] ?? machine?.instanceId;
  return (await machines.isGone(serverId, instanceId)) && (await isUnknownToNova(region, serverId));
}

async function isUnknownToNova(region: Region, serverId: string): Promise<boolean> {
  try {
    await region.call('compute', { method: 'GET', path: ['servers', serverId], answer: z.unknown() });
    return false;
  } catch (error) {
    if (error instanceof DriverError && error.code === 'NotFound') return true;
    throw error;
  }
}

function nameOf({ id, name, device_owner: owner, device_id: device }: Port): string {
  const called = name === '' ? '' : ` (${name})`;
  return `port ${id}${called} of ${owner}${device === '' ? '' : ` ${device}`}`;
}
