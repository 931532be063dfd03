import { z } from 'zod';
import type { CloudInstance } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import type { Region } from './region.ts';
import { cloudInstance, listedServerSchema, serverSchema } from './server-answers.ts';

/** The resources that a server needs, in its metadata; see `refuseIfAwaited`. */
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
 * Lists this deployment's servers. Without a filter it reads the whole project: Nova cannot filter by metadata, and a
 * server that a user has renamed still belongs to this deployment.
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
    // Oldest first: servers that are created during the list then come on later pages.
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
 * Refuses to delete a resource that a server under construction needs. Nova creates a server's port some time after it
 * has accepted the server. Until then, Neutron would allow the deletion. Therefore servers name the resources that they
 * need in their metadata.
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
      server.metadata[NEEDS_TAGS[kind]] === id &&
      cloudInstance(server, deploymentId)?.status === 'Creating',
  );
  if (waiting) throw new DriverError('Conflict', `server ${waiting.id} still needs the ${kind} ${id}`);
}

/**
 * Finds the server of a launch token, the oldest if there are several. Servers of one request have the tokens of all of
 * them as tags.
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
 * Requests `os-stop`, `os-start` or `reboot`, and does not wait for its end. Nova refuses an action that is already
 * done or under way.
 *
 * @param done statuses in which a refusal counts as success
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
