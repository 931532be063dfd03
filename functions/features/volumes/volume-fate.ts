import type { CloudVolume } from '../../drivers/contract/capabilities.ts';
import type { Driver } from '../../drivers/contract/driver.ts';
import { type DiskFields, keepsDisks, rootDiskOf } from '../../model/disk.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import { attemptOf, proveVolume, type ShownVolume } from '../ownership/prove-volume.ts';

/** The properties of a driver that decide what becomes of volumes. */
export type VolumeTerms = Pick<Driver, 'capabilities' | 'longestCreateMs' | 'volumesOutliveMachines'>;

/**
 * Returns true if volumes may be left when a machine of this node group is gone: disks that are kept on purpose, or, at
 * some clouds, any disk with a volume of its own. The caller then has to look for them. Pure.
 */
export function mayLeaveVolumes(group: DiskFields | undefined, driver: VolumeTerms): boolean {
  if (!group || !driver.capabilities.includes('volumes')) return false;
  const hasVolumes = rootDiskOf(group) !== undefined || (group.dataDisks ?? []).length > 0;
  return driver.volumesOutliveMachines ? hasVolumes : keepsDisks(group);
}

/**
 * What becomes of a volume when its machine is gone.
 *
 * - `keep`: the request says that the disk is kept, and its machine may have used it
 * - `remove`: it is proven to be of this deployment, and nothing needs it
 * - `leave`: another machine uses it, or it is not proven that it is of this deployment
 */
export type VolumeFate = 'keep' | 'remove' | 'leave';

/** Decides what becomes of a volume whose machine is gone. Pure. */
export function fateOf(
  volume: CloudVolume,
  record: InstanceItem,
  group: DiskFields | undefined,
  driver: VolumeTerms,
): VolumeFate {
  const shown = { volume, location: record.location };
  if (proveVolume(shown, record, driver) !== 'proven') return 'leave';
  if (isKept(shown, record, group, driver)) return 'keep';
  const machines = [record.backendId, attemptOf(shown, record)?.backendId];
  return volume.attachedTo === undefined || machines.includes(volume.attachedTo) ? 'remove' : 'leave';
}

/**
 * Returns true if the disk is to be kept, and it is proven that the record's own launch made it. Without the proof, the
 * volume of a copied or forgotten machine would be recorded as kept, and no sweep would report it. A disk whose machine
 * never ran is not kept, because nothing is on it. Where the cloud does not tell which disk a volume is, the size
 * decides: a cloud removes the other disks itself. Pure.
 */
export function isKept(
  shown: ShownVolume,
  record: InstanceItem,
  { dataDisks = [] }: DiskFields = {},
  terms: Pick<VolumeTerms, 'longestCreateMs'>,
): boolean {
  const { volume } = shown;
  if (proveVolume(shown, record, terms) !== 'proven') return false;
  if (volume.disk === 'root' || !hasRun(record, volume.launchToken)) return false;
  const kept = dataDisks.filter(({ deleteOnTermination }) => !deleteOnTermination);
  if (volume.disk === undefined && volume.endsWithMachine) return false;
  if (volume.disk === undefined) return kept.some(({ sizeGb }) => sizeGb === volume.sizeGb);
  const asked = dataDisks[volume.disk];
  return asked !== undefined && kept.includes(asked);
}

/** Returns true unless the record shows that the machine of this launch token never ran. */
function hasRun(record: InstanceItem, launchToken: string | undefined): boolean {
  if (launchToken === record.launchToken) return record.runningAt !== undefined;
  return (record.earlierAttempts ?? []).some((one) => one.launchToken === launchToken && one.vanished);
}
