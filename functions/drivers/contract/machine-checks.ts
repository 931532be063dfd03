import type { Architecture } from '../../model/cloud.ts';
import type { NamedKey } from '../../model/disk.ts';
import { DriverError } from './errors.ts';

/** What a user has named by the cloud's own id for the machines of one node group. */
export interface GivenMachine {
  /** The image's id at the cloud. Absent: the image is from the catalogue. */
  imageId?: string;
  /** The instance types that the machines may have. */
  instanceTypes: readonly string[];
  /** Absent: the machines have no identity, or the driver has no feature `identity`. */
  identity?: string;
  /** Absent: the machines are in no group that the user has made. */
  placementGroup?: string;
  /** The size of the root disk that the user names, and its field. Set only together with `imageId`. */
  rootDisk?: GivenRootDisk;
  /** The disk types that the user names, where the driver's metadata lists none. */
  diskTypes?: readonly { field: DiskTypeField; name: string }[];
  /** Number of data disks, where the driver's metadata lists no disk types. Absent: none. */
  dataDisks?: number;
  /** The customer's keys with which disks are to be encrypted. Only for drivers with the feature `disk-keys`. */
  encryptionKeys?: readonly NamedKey[];
}

/** The size of a root disk, in GB, and the field of a node group that names it. */
export interface GivenRootDisk {
  field: 'rootDisk/sizeGb' | 'rootDiskGb';
  sizeGb: number;
}

/** The field of a node group that names a disk type. */
export type DiskTypeField = 'rootDisk/type' | `dataDisks/${number}/type`;

/** Something that is wrong with what a user has named by the cloud's own id. */
export interface MachineFault {
  field:
    | 'image'
    | 'identity'
    | 'placementGroup'
    | 'dataDisks'
    | DiskTypeField
    | NamedKey['field']
    | GivenRootDisk['field'];
  code:
    | 'unknown-image'
    | 'not-usable'
    | 'architecture-mismatch'
    | 'unknown-identity'
    | 'denied-identity'
    | 'unknown-placement-group'
    | 'unknown-disk-type'
    | 'too-small'
    | 'unknown-encryption-key'
    | 'denied-encryption-key'
    /** The key belongs to another location than the machines. */
    | 'other-location';
  message: string;
}

/**
 * Runs checks one after the other. A check that fails does not hide what the others find: its error is thrown only if
 * nothing is found to be wrong.
 *
 * @throws DriverError the first error of a check
 */
export async function faultsOfAll<Fault>(
  checks: readonly (() => Promise<readonly Fault[]>)[],
): Promise<Fault[]> {
  const faults: Fault[] = [];
  let failed: DriverError | undefined;
  for (const check of checks) {
    try {
      faults.push(...(await check()));
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      failed ??= error;
    }
  }
  if (failed && faults.length === 0) throw failed;
  return faults;
}

/** Runs a check. Finds nothing if the cloud denies it to the credential. */
export async function unlessDenied<Fault>(check: () => Promise<Fault[]>): Promise<Fault[]> {
  try {
    return await check();
  } catch (error) {
    if (error instanceof DriverError && error.code === 'Forbidden') return [];
    throw error;
  }
}

/** An image as the cloud reports it by its id. */
export interface GivenImage {
  /** Absent: the cloud does not say for which architectures the image is. It is then not checked. */
  architectures?: readonly Architecture[];
  /** Least size of a root disk, in GB. Absent: not known, or any size. */
  minDiskGb?: number | undefined;
  /** The cloud's word for a status in which machines cannot boot the image. Absent: they can. */
  unusable?: string;
}

/**
 * Finds what is wrong with an image that a user has given by its id. Pure.
 *
 * @param image undefined if the cloud shows no such image to the credential
 * @param types the architecture of each instance type. A type of unknown architecture is not checked
 * @param rootDisk absent: the user names no size
 */
export function imageFaults(
  location: string,
  imageId: string,
  image: GivenImage | undefined,
  types: readonly { name: string; architectures: readonly Architecture[] }[],
  rootDisk?: GivenRootDisk,
): MachineFault[] {
  const fault = (code: MachineFault['code'], message: string): MachineFault => ({
    field: 'image',
    code,
    message,
  });
  if (!image)
    return [fault('unknown-image', `${location} has no image ${imageId} that this credential may use`)];
  if (image.unusable !== undefined)
    return [fault('not-usable', `image ${imageId} is ${image.unusable} at ${location}`)];
  const { architectures, minDiskGb = 0 } = image;
  const ofDisk: MachineFault[] =
    rootDisk && rootDisk.sizeGb < minDiskGb
      ? [{ field: rootDisk.field, code: 'too-small', message: diskTooSmall(imageId, minDiskGb) }]
      : [];
  if (!architectures) return ofDisk;
  const ofTypes = types
    .filter((type) => !type.architectures.some((one) => architectures.includes(one)))
    .map((type) =>
      fault(
        'architecture-mismatch',
        `image ${imageId} is for ${architectures.join(', ')}, but instance type ${type.name} is for ${type.architectures.join(', ')}`,
      ),
    );
  return [...ofTypes, ...ofDisk];
}

/** The words about a root disk that is too small for its image. */
export const diskTooSmall = (image: string, minDiskGb: number): string =>
  `must be at least ${minDiskGb}: image ${image} needs a root disk of ${minDiskGb} GB`;
