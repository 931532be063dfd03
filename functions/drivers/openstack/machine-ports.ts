import * as z from 'zod';
import { INSTANCE_TAG } from '../contract/driver.ts';
import { DriverError, type DriverErrorCode } from '../contract/errors.ts';
import { type Port, portSchema } from './neutron-answers.ts';
import { descriptionOf } from './owner.ts';
import { type Region, unlessGone } from './region.ts';

/** Errors after which the caller repeats the whole call. */
const REPEATED: ReadonlySet<DriverErrorCode> = new Set(['NoPermit', 'Throttled', 'Unauthorized']);

/**
 * Marks the ports that Nova made for a server, before the server is removed. Nova gives a port neither name nor
 * description, and only Nova makes these ports: it could not take ports of the driver in a request for several servers.
 * If Nova leaves a port behind, the mark shows whose port it is (`stale-ports.ts`).
 *
 * Without the mark, a removal is still right. Therefore the server is removed although Neutron refuses the mark or does
 * not answer.
 *
 * @param region its deadline leaves time for the removal
 * @throws DriverError NoPermit, Throttled or Unauthorized
 */
export async function markPorts(
  region: Region,
  deploymentId: string,
  serverId: string,
  instanceId: string | undefined,
): Promise<void> {
  const tags = instanceId === undefined ? {} : { [INSTANCE_TAG]: instanceId };
  const description = descriptionOf(deploymentId, tags);
  try {
    const ports = await portsOf(region, serverId);
    await Promise.all(ports.filter(isUnmarked).map(({ id }) => describePort(region, id, description)));
  } catch (error) {
    if (!(error instanceof DriverError) || REPEATED.has(error.code)) throw error;
  }
}

async function portsOf(region: Region, serverId: string): Promise<Port[]> {
  const query = { device_id: serverId };
  const ports = await region.readAll('network', { path: ['ports'], key: 'ports', item: portSchema, query });
  // A port without a server has an empty id of a server.
  return ports.filter((port) => port.device_id === serverId && serverId !== '');
}

/** Returns true for a server's port without name and description. A port of a user has a name or a description. */
function isUnmarked({ name, description, device_owner: owner }: Port): boolean {
  return owner.startsWith('compute:') && name === '' && description === '';
}

async function describePort(region: Region, id: string, description: string): Promise<void> {
  const body = { port: { description } };
  await unlessGone(region.call('network', { method: 'PUT', path: ['ports', id], body, answer: z.unknown() }));
}
