import * as z from 'zod';
import type { RootDisk } from '../../model/disk.ts';
import type { CloudVolume } from '../contract/capabilities.ts';
import { DEPLOYMENT_TAG, INSTANCE_TAG, type InstanceSpec } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import { type DiskIndex, diskName } from '../contract/names.ts';
import { sleepBy } from '../contract/surroundings.ts';
import { metadataOf } from './owner.ts';
import type { Region } from './region.ts';
import { LAUNCH_TOKEN_TAG } from './server-answers.ts';
import { cloudVolume, DISK_TAG, type Volume, volumeSchema } from './volume-answers.ts';

/** A disk of a server that is a volume of Cinder. */
export interface WantedVolume {
  disk: DiskIndex;
  sizeGb: number;
  /** The image that Cinder copies to the volume. Absent: the volume is empty. */
  imageBackendId?: string;
  fields: Pick<RootDisk, 'type'>;
}

/** Time for which a call waits until its volumes are available, in ms. Cinder may copy an image for minutes. */
const WAIT_MS = 8_000;
const LOOK_MS = 1_000;
/** Delay after which the caller should repeat the call, if the volumes are not available yet, in ms. */
const AGAIN_MS = 5_000;
/** Age of a volume in ms after which Cinder is not expected to complete it. */
const LONGEST_CREATION_MS = 1_800_000;

/** Lists this deployment's volumes; none in a region without Cinder. */
export async function listVolumes(region: Region, deploymentId: string): Promise<CloudVolume[]> {
  if (!(await region.hasVolumes())) return [];
  const volumes = await region.readAll('volume', {
    path: ['volumes', 'detail'],
    key: 'volumes',
    item: volumeSchema,
    query: { sort: 'created_at:asc' },
  });
  return volumes.flatMap((volume) => cloudVolume(volume, deploymentId) ?? []);
}

export async function deleteVolume(region: Region, id: string): Promise<void> {
  await region.remove('volume', ['volumes', id]);
}

/**
 * Makes the volumes of a server, or finds those that an earlier call with the same launch token made. Each volume is
 * marked as this deployment's in the request that makes it: Nova could make the volumes itself, but would not mark them.
 *
 * @returns the ids of the volumes, in the order of `wanted`; all of them are available
 * @throws DriverError NoPermit if Cinder has not completed the volumes yet; a repetition of the call finds them.
 * InsufficientCapacity if Cinder failed to make one
 */
export async function ensureVolumes(
  region: Region,
  deploymentId: string,
  spec: InstanceSpec,
  wanted: readonly WantedVolume[],
): Promise<string[]> {
  if (wanted.length === 0) return [];
  const zone = await zoneFor(region, spec.zone);
  let volumes: Volume[] = [];
  for (const one of wanted) volumes.push(await ensureVolume(region, deploymentId, spec, one, zone));
  const untilMs = region.clock.now() + WAIT_MS;
  for (;;) {
    for (const volume of volumes) await refuseBroken(region, volume);
    if (volumes.every(({ status }) => status === 'available')) return volumes.map(({ id }) => id);
    if (region.clock.now() >= untilMs) throw notReady(volumes);
    await sleepBy(region.clock, LOOK_MS);
    volumes = await Promise.all(
      volumes.map((volume) => (volume.status === 'available' ? volume : readVolume(region, volume.id))),
    );
  }
}

/**
 * Removes the volumes of a launch token that no server uses. @throws DriverError if the cloud refuses to remove one of
 * them
 */
export async function removeVolumesOf(
  region: Region,
  deploymentId: string,
  { launchToken }: Pick<InstanceSpec, 'launchToken'>,
  disks: readonly DiskIndex[],
): Promise<void> {
  for (const disk of disks) {
    for (const { id } of await named(region, deploymentId, launchToken, disk)) await deleteVolume(region, id);
  }
}

async function ensureVolume(
  region: Region,
  deploymentId: string,
  spec: InstanceSpec,
  { disk, sizeGb, imageBackendId, fields }: WantedVolume,
  zone: string | undefined,
): Promise<Volume> {
  const [known] = await named(region, deploymentId, spec.launchToken, disk);
  if (known) return known;
  const { [INSTANCE_TAG]: _, ...tags } = spec.tags;
  const { volume } = await orInvalid(
    disk,
    region.call('volume', {
      method: 'POST',
      path: ['volumes'],
      body: {
        volume: {
          name: diskName(deploymentId, spec.launchToken, disk),
          size: sizeGb,
          imageRef: imageBackendId,
          volume_type: fields.type,
          availability_zone: zone,
          metadata: {
            ...metadataOf(tags),
            [DEPLOYMENT_TAG]: deploymentId,
            [INSTANCE_TAG]: spec.instanceId,
            [LAUNCH_TOKEN_TAG]: spec.launchToken,
            [DISK_TAG]: String(disk),
          },
        },
      },
      answer: z.object({ volume: volumeSchema }),
    }),
  );
  return volume;
}

/** Converts Cinder's 404 to InvalidRequest: the request names a type or an image that Cinder does not have. */
async function orInvalid<Answer>(disk: DiskIndex, call: Promise<Answer>): Promise<Answer> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof DriverError) || error.code !== 'NotFound') throw error;
    const field = disk === 'root' ? 'rootDisk' : `dataDisks/${disk}`;
    throw new DriverError('InvalidRequest', `${field}: ${error.message}`, { cause: error });
  }
}

/** Returns this deployment's volumes with the name of one disk, the oldest first, without those that are going. */
async function named(
  region: Region,
  deploymentId: string,
  launchToken: string,
  disk: DiskIndex,
): Promise<Volume[]> {
  const volumes = await region.readAll('volume', {
    path: ['volumes', 'detail'],
    key: 'volumes',
    item: volumeSchema,
    query: { name: diskName(deploymentId, launchToken, disk), sort: 'created_at:asc' },
  });
  return volumes.filter(
    (volume) =>
      cloudVolume(volume, deploymentId)?.launchToken === launchToken && volume.status !== 'deleting',
  );
}

async function readVolume(region: Region, id: string): Promise<Volume> {
  const path = ['volumes', id];
  const answer = z.object({ volume: volumeSchema });
  return (await region.call('volume', { method: 'GET', path, answer })).volume;
}

/**
 * Refuses a volume that Cinder could not make, or does not complete. The volume is removed.
 *
 * @throws DriverError OutcomeUnknown if the removal fails
 */
async function refuseBroken(region: Region, { id, status, created_at: createdAtMs }: Volume): Promise<void> {
  const ageMs = region.clock.now() - (createdAtMs ?? region.clock.now());
  const isBroken = status.startsWith('error') || (status !== 'available' && ageMs > LONGEST_CREATION_MS);
  if (!isBroken) return;
  const message = `cinder could not make volume ${id} for the server: its status is ${status}`;
  try {
    await deleteVolume(region, id);
  } catch (cause) {
    if (!(cause instanceof DriverError)) throw cause;
    throw new DriverError('OutcomeUnknown', `${message}, and it could not be removed: ${cause.message}`, {
      cause,
    });
  }
  throw new DriverError('InsufficientCapacity', message);
}

function notReady(volumes: readonly Volume[]): DriverError {
  const waiting = volumes.filter(({ status }) => status !== 'available');
  const names = waiting.map(({ id, status }) => `${id} (${status})`).join(', ');
  return new DriverError('NoPermit', `the server waits for cinder to complete ${names}`, {
    retryAfterMs: AGAIN_MS,
  });
}

const zonesSchema = z.object({
  availabilityZoneInfo: z.array(
    z.object({ zoneName: z.string(), zoneState: z.object({ available: z.boolean() }) }),
  ),
});

/**
 * Returns the zone for the volumes of a server: the server's zone, if Cinder has a zone of this name. Nova may be set up
 * to refuse a volume of another zone.
 */
async function zoneFor(region: Region, zone: string | undefined): Promise<string | undefined> {
  if (zone === undefined) return undefined;
  const path = ['os-availability-zone'];
  const { availabilityZoneInfo } = await region.call('volume', { method: 'GET', path, answer: zonesSchema });
  return availabilityZoneInfo.some(({ zoneName }) => zoneName === zone) ? zone : undefined;
}
