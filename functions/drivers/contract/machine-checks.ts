import type { Architecture } from '../../model/cloud.ts';

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
  /** The disk types that the user names, where the driver's metadata lists none. */
  diskTypes?: readonly { field: DiskTypeField; name: string }[];
}

/** The field of a node group that names a disk type. */
export type DiskTypeField = 'rootDisk/type' | `dataDisks/${number}/type`;

/** Something that is wrong with what a user has named by the cloud's own id. */
export interface MachineFault {
  field: 'image' | 'identity' | 'placementGroup' | DiskTypeField;
  code:
    | 'unknown-image'
    | 'not-usable'
    | 'architecture-mismatch'
    | 'unknown-identity'
    | 'denied-identity'
    | 'unknown-placement-group'
    | 'unknown-disk-type';
  message: string;
}

/** An image as the cloud reports it by its id. */
export interface GivenImage {
  /** Absent: the cloud does not say for which architectures the image is. It is then not checked. */
  architectures?: readonly Architecture[];
  /** The cloud's word for a status in which machines cannot boot the image. Absent: they can. */
  unusable?: string;
}

/**
 * Finds what is wrong with an image that a user has given by its id. Pure.
 *
 * @param image undefined if the cloud shows no such image to the credential
 * @param types the architecture of each instance type. A type of unknown architecture is not checked
 */
export function imageFaults(
  location: string,
  imageId: string,
  image: GivenImage | undefined,
  types: readonly { name: string; architectures: readonly Architecture[] }[],
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
  const { architectures } = image;
  if (!architectures) return [];
  return types
    .filter((type) => !type.architectures.some((one) => architectures.includes(one)))
    .map((type) =>
      fault(
        'architecture-mismatch',
        `image ${imageId} is for ${architectures.join(', ')}, but instance type ${type.name} is for ${type.architectures.join(', ')}`,
      ),
    );
}
