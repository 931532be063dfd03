import { z } from 'zod';
import type { CloudInstance } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import type { Region } from './region.ts';
import { cloudInstance, listedServerSchema, serverSchema } from './server-answers.ts';

/** What a server stands on, in its metadata; see `refuseIfAwaited`. */
export const NEEDS_TAGS = {
  network: 'fleetwright:network',
  'security-group': 'fleetwright:security-group',
} as const;

/** @throws DriverError NotFound, also for a server that is not of this deployment */
export async function getServer(region: Region, deploymentId: string, id: string): Promise<CloudInstance> {
  const { server } = await region.call('compute', {
    method: 'GET',
    path: ['servers', id],
    answer: z.object({ server: serverSchema }),
  });
  const instance = cloudInstance(server, deploymentId);
  if (!instance) throw new DriverError('NotFound', `server ${id} is not of this deployment`);
  return instance;
}

/**
 * Without a filter, the whole project is read, and what is not ours left out: Nova does not filter by metadata, and a
 * server that somebody has given another name is ours all the same.
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
    // What is made while pages are read comes after them.
    query: { ...filter, sort_key: 'created_at', sort_dir: 'asc' },
  });
  return servers.flatMap((server) => {
    if (!('metadata' in server)) {
      const message = `nova cannot tell of all servers of region ${region.name}: a cell is down`;
      throw new DriverError('Unavailable', message);
    }
    return cloudInstance(server, deploymentId) ?? [];
  });
}

/**
 * Nova makes a server's port some time after it has accepted the server. Until then Neutron would let go of what the port
 * is to be made of; so servers tell it in their metadata.
 *
 * @throws DriverError Conflict while a server that is being built needs it
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
  if (waiting) throw new DriverError('Conflict', `the ${kind} ${id} is needed by server ${waiting.id}`);
}

/** The first that was made, should there be several. Those of one request have the tokens of all of them as tags. */
export async function findServer(
  region: Region,
  deploymentId: string,
  launchToken: string,
): Promise<CloudInstance | undefined> {
  const found = await listServers(region, deploymentId, { tags: launchToken });
  return found.find((instance) => instance.launchToken === launchToken);
}

/**
 * `os-stop`, `os-start`, `reboot`: asked for and not waited for. Nova refuses to do what is done already, or is being
 * done.
 *
 * @param done statuses in which nothing is left to be asked for
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
