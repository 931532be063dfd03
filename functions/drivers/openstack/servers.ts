import * as z from 'zod';
import type { CloudInstance } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import type { Region } from './region.ts';
import { cloudInstance, listedServerSchema, serverSchema } from './server-answers.ts';

/**
 * Keys of a server's metadata that name the network and the security groups that the server needs, separated by
 * commas; see `refuseIfAwaited`.
 */
export const NEEDS_TAGS = {
  network: 'fleetwright:network',
  'security-group': 'fleetwright:security-group',
} as const;

/** Reads one server. @throws DriverError NotFound, also for a server outside this deployment */
export async function getServer(region: Region, deploymentId: string, id: string): Promise<CloudInstance> {
  const { server } = await region.call('compute', {
    method: 'GET',
    path: ['servers', id],
    answer: z.object({ server: serverSchema }),
  });
  const instance = cloudInstance(server, deploymentId);
  if (!instance) throw new DriverError('NotFound', `server ${id} does not belong to this deployment`);
  return instance;
}

/**
 * Lists this deployment's servers. Without `filter`, reads the servers of the whole project, because Nova cannot filter
 * by metadata, and a filter by name would miss a server that a user has renamed.
 */
export async function listServers(
  region: Region,
  deploymentId: string,
  filter: { tags?: string; reservation_id?: string } = {},
): Promise<CloudInstance[]> {
  const servers = await region.readAll('compute', {
    path: ['servers', 'detail'],
    key: 'servers',
    item: listedServerSchema,
    // The oldest servers come first, so that servers that are created during the list are on later pages.
    query: { ...filter, sort_key: 'created_at', sort_dir: 'asc' },
  });
  return servers.flatMap((server) => {
    if (!('metadata' in server)) {
      const message = `nova cannot list all servers of region ${region.name}: a cell is down`;
      throw new DriverError('Unavailable', message);
    }
    return cloudInstance(server, deploymentId) ?? [];
  });
}

/**
 * Refuses the deletion of a resource that a server under construction needs. Nova creates a server's port some time
 * after it has accepted the request for the server. Until then, Neutron would allow the deletion. Therefore the
 * metadata of each server names the resources that the server needs.
 *
 * @throws DriverError Conflict while a server that is being built needs the resource
 */
export async function refuseIfAwaited(
  region: Region,
  deploymentId: string,
  kind: keyof typeof NEEDS_TAGS,
  id: string,
): Promise<void> {
  const building = await region.readAll('compute', {
    path: ['servers', 'detail'],
    key: 'servers',
    item: listedServerSchema,
    query: { status: 'BUILD' },
  });
  const waiting = building.find(
    (server) =>
      'metadata' in server &&
      server.metadata[NEEDS_TAGS[kind]]?.split(',').includes(id) &&
      cloudInstance(server, deploymentId)?.status === 'Creating',
  );
  if (waiting) throw new DriverError('Conflict', `server ${waiting.id} still needs the ${kind} ${id}`);
}

/**
 * Finds the server of a launch token, the oldest if there are several. Nova's filter by tag may return other servers,
 * because all servers of one request carry the launch tokens of the whole request as tags.
 */
export async function findServer(
  region: Region,
  deploymentId: string,
  launchToken: string,
): Promise<CloudInstance | undefined> {
  const found = await listServers(region, deploymentId, { tags: launchToken });
  return found.find((instance) => instance.launchToken === launchToken);
}

/**
 * Requests the action `os-stop`, `os-start` or `reboot`, and does not wait until the action ends. Nova refuses an
 * action that is already done or under way.
 *
 * @param done if the server has one of these statuses, a refusal counts as success
 */
export async function actOnServer(
  region: Region,
  deploymentId: string,
  id: string,
  action: object,
  done: readonly CloudInstance['status'][],
): Promise<void> {
  try {
    const path = ['servers', id, 'action'];
    await region.call('compute', { method: 'POST', path, body: action, answer: z.unknown() });
  } catch (error) {
    if (!(error instanceof DriverError) || error.code !== 'Conflict') throw error;
    const { status } = await getServer(region, deploymentId, id);
    if (!done.includes(status)) throw error;
  }
}
