import * as z from 'zod';
import type { CloudNetworkResource, KeyPairSpec } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import { parseResourceName, resourceName } from '../contract/names.ts';
import type { Region } from './region.ts';

const PATH = 'os-keypairs';

const listedSchema = z
  .object({ keypair: z.object({ name: z.string() }) })
  .transform(({ keypair: { name } }) => ({ id: name, name }));

/**
 * Imports a key pair. Nova stores key pairs per user. A key pair's name is unique for its user, and is its id. Key
 * pairs have no description. Therefore only the name tells which deployment a key pair belongs to.
 */
export async function ensureKeyPair(
  region: Region,
  deploymentId: string,
  { name, publicKey }: KeyPairSpec,
): Promise<string> {
  const backendId = resourceName(deploymentId, name);
  try {
    await region.call('compute', {
      method: 'POST',
      path: [PATH],
      body: { keypair: { name: backendId, public_key: publicKey, type: 'ssh' } },
      answer: z.unknown(),
    });
  } catch (error) {
    if (!(error instanceof DriverError) || error.code !== 'Conflict') throw error;
  }
  return backendId;
}

export async function findKeyPair(
  region: Region,
  deploymentId: string,
  name: string,
): Promise<string | undefined> {
  const backendId = resourceName(deploymentId, name);
  try {
    await region.call('compute', { method: 'GET', path: [PATH, backendId], answer: z.unknown() });
    return backendId;
  } catch (error) {
    if (error instanceof DriverError && error.code === 'NotFound') return undefined;
    throw error;
  }
}

/** Lists this deployment's key pairs, without creation times: Nova's list does not have them. */
export async function listKeyPairs(region: Region, deploymentId: string): Promise<CloudNetworkResource[]> {
  const all = await region.readAll('compute', { path: [PATH], key: 'keypairs', item: listedSchema });
  const resources: CloudNetworkResource[] = [];
  for (const { id } of all) {
    const name = parseResourceName(deploymentId, id);
    if (name !== undefined) resources.push({ kind: 'key-pair', backendId: id, name });
  }
  return resources;
}

export async function deleteKeyPair(region: Region, id: string): Promise<void> {
  await region.remove('compute', [PATH, id]);
}
