import type { InstanceSpec } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import type { DiskIndex } from '../contract/names.ts';
import type { Flavor } from './flavors.ts';
import type { Region } from './region.ts';
import { ensureVolumes, removeVolumesOf, type WantedVolume } from './volumes.ts';

type DiskSpec = Pick<InstanceSpec, 'imageBackendId' | 'rootDisk' | 'dataDisks'>;

/**
 * Returns the volumes that a server needs: one for the root disk, unless the flavor's own disk is large enough and the
 * spec names no type, and one for each data disk. Pure. @throws DriverError InvalidRequest for a type without a size
 */
export function volumesFor(
  { imageBackendId, rootDisk = {}, dataDisks = [] }: DiskSpec,
  { diskGb, type }: Flavor,
): WantedVolume[] {
  const { sizeGb, type: diskType } = rootDisk;
  const isOwnDiskEnough = sizeGb === undefined || (diskGb > 0 && sizeGb <= diskGb);
  const data = dataDisks.map((disk, at): WantedVolume => ({ disk: at, sizeGb: disk.sizeGb, fields: disk }));
  if (isOwnDiskEnough && diskType === undefined) return data;
  if (sizeGb === undefined) {
    const message = `rootDisk/sizeGb: a root disk of type ${diskType} needs a size, because it replaces the disk of ${type.name}`;
    throw new DriverError('InvalidRequest', message);
  }
  return [{ disk: 'root', sizeGb, imageBackendId, fields: rootDisk }, ...data];
}

/** Refuses a spec that needs volumes, in a region without Cinder. */
export async function refuseWithoutVolumes(
  region: Region,
  { type, diskGb }: Flavor,
  wanted: readonly WantedVolume[],
): Promise<void> {
  if (wanted.length === 0 || (await region.hasVolumes())) return;
  const message = wanted.some(({ disk }) => disk === 'root')
    ? `${type.name} has a disk of ${diskGb} GB, and region ${region.name} offers no volume of another size to boot from`
    : `region ${region.name} offers no volumes for data disks`;
  throw new DriverError('InvalidRequest', message);
}

/** The fields of Nova's request that describe a server's disks. */
interface DiskFields {
  imageRef?: string;
  block_device_mapping_v2?: object[];
}

/** Describes the disks of a server, whose volumes exist. Pure. @param ids the volumes' ids, in the order of `wanted` */
export function diskFields(
  { imageBackendId, dataDisks = [] }: DiskSpec,
  wanted: readonly WantedVolume[],
  ids: readonly string[],
): DiskFields {
  if (wanted.length === 0) return { imageRef: imageBackendId };
  const mappings = wanted.map(({ disk }, at) => ({
    boot_index: disk === 'root' ? 0 : -1,
    uuid: ids[at],
    source_type: 'volume',
    destination_type: 'volume',
    delete_on_termination: disk === 'root' || (dataDisks[disk]?.deleteOnTermination ?? true),
  }));
  if (wanted.some(({ disk }) => disk === 'root')) return { block_device_mapping_v2: mappings };
  const own = {
    boot_index: 0,
    uuid: imageBackendId,
    source_type: 'image',
    destination_type: 'local',
    delete_on_termination: true,
  };
  return { imageRef: imageBackendId, block_device_mapping_v2: [own, ...mappings] };
}

/** Errors after which the caller repeats the request with the same launch token, so that the volumes are used then. */
const REPEATED: ReadonlySet<string> = new Set(['NoPermit', 'Throttled', 'OutcomeUnknown']);

/**
 * Makes the volumes of a server, then the server. If the request is refused for another reason than its time, the
 * volumes are removed.
 *
 * @throws DriverError OutcomeUnknown if the request is refused, and a volume cannot be removed
 */
export async function withVolumes<Answer>(
  region: Region,
  deploymentId: string,
  spec: InstanceSpec,
  wanted: readonly WantedVolume[],
  make: (ids: readonly string[]) => Promise<Answer>,
): Promise<Answer> {
  try {
    return await make(await ensureVolumes(region, deploymentId, spec, wanted));
  } catch (error) {
    if (!(error instanceof DriverError) || REPEATED.has(error.code) || wanted.length === 0) throw error;
    const disks: DiskIndex[] = wanted.map(({ disk }) => disk);
    try {
      await removeVolumesOf(region, deploymentId, spec, disks);
    } catch (cause) {
      if (!(cause instanceof DriverError)) throw cause;
      const message = `${error.message}; a volume of the server could not be removed: ${cause.message}`;
      throw new DriverError('OutcomeUnknown', message, { cause });
    }
    throw error;
  }
}
