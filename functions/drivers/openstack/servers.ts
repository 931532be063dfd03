import { z } from 'zod';
import { type CloudInstance, DEPLOYMENT_TAG, INSTANCE_TAG, type InstanceSpec } from '../driver.ts';
import { DriverError } from '../errors.ts';
import { machineName } from '../names.ts';
import type { Flavor } from './flavors.ts';
import { metadataOf } from './owner.ts';
import { cloudTimeMs, type Region } from './region.ts';
import { cloudInstance, LAUNCH_TOKEN_TAG, listedServerSchema, serverSchema } from './server-answers.ts';

const madeSchema = z.object({ server: z.object({ id: z.string().min(1) }) });

/**
 * Asks Nova for one server. Nova knows no idempotency key: a second request with the same token makes a second
 * server, which the list shows. Whether hosts have room is found out after it has accepted; then the server is in
 * status ERROR.
 */
export async function createServer(
  region: Region,
  deploymentId: string,
  spec: InstanceSpec,
  flavor: Flavor,
): Promise<CloudInstance> {
  const userData = spec.userData === undefined ? undefined : Buffer.from(spec.userData).toString('base64');
  const { body, headers } = await region.exchange('compute', {
    method: 'POST',
    path: ['servers'],
    body: {
      server: {
        name: machineName(deploymentId, spec.launchToken),
        flavorRef: flavor.id,
        networks: [{ uuid: spec.networkBackendId }],
        security_groups: [{ name: spec.securityGroupBackendId }],
        key_name: spec.keyPairBackendId,
        availability_zone: spec.zone,
        user_data: userData,
        metadata: {
          ...metadataOf(spec.tags),
          [DEPLOYMENT_TAG]: deploymentId,
          [INSTANCE_TAG]: spec.instanceId,
          [LAUNCH_TOKEN_TAG]: spec.launchToken,
        },
        ...(await rootDisk(region, spec, flavor)),
      },
    },
    answer: madeSchema,
    secrets: userData === undefined ? [] : [userData],
  });
  return {
    backendId: body.server.id,
    instanceId: spec.instanceId,
    launchToken: spec.launchToken,
    status: 'Creating',
    instanceType: spec.instanceType,
    createdAt: new Date(cloudTimeMs(headers)).toISOString(),
  };
}

/** A flavor's own disk where it is large enough; else a volume that goes with the server. */
async function rootDisk(
  region: Region,
  { imageBackendId, rootDiskGb }: InstanceSpec,
  { diskGb, type }: Flavor,
) {
  const isOwnDiskEnough = rootDiskGb === undefined || (diskGb > 0 && rootDiskGb <= diskGb);
  if (isOwnDiskEnough) return { imageRef: imageBackendId };
  if (!(await region.hasVolumes())) {
    const message = `${type.name} has a disk of ${diskGb} GB, and region ${region.name} has no volumes to boot from`;
    throw new DriverError('InvalidRequest', message);
  }
  return {
    block_device_mapping_v2: [
      {
        boot_index: 0,
        uuid: imageBackendId,
        source_type: 'image',
        destination_type: 'volume',
        volume_size: rootDiskGb,
        delete_on_termination: true,
      },
    ],
  };
}

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
 * The whole project is read, and what is not ours left out: Nova filters by a server's name and not by its metadata, and
 * a server that somebody has given another name is ours all the same.
 *
 * @param name as in Nova's filter, which is a regular expression
 */
export async function listServers(
  region: Region,
  deploymentId: string,
  name?: string,
): Promise<CloudInstance[]> {
  const servers = await region.readAll('compute', {
    path: ['servers', 'detail'],
    key: 'servers',
    item: listedServerSchema,
    // What is made while pages are read comes after them.
    query: { name, sort_key: 'created_at', sort_dir: 'asc' },
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
 * The first that was made, should there be several. A machine's name has no character that a regular expression reads in
 * another way.
 */
export async function findServer(
  region: Region,
  deploymentId: string,
  launchToken: string,
): Promise<CloudInstance | undefined> {
  const name = machineName(deploymentId, launchToken);
  const found = await listServers(region, deploymentId, `^${name}$`);
  return found.find((instance) => instance.launchToken === launchToken);
}

/** `os-stop`, `os-start`, `reboot`: asked for and not waited for. */
export async function actOnServer(region: Region, id: string, action: object): Promise<void> {
  await region.call('compute', {
    method: 'POST',
    path: ['servers', id, 'action'],
    body: action,
    answer: z.unknown(),
  });
}
