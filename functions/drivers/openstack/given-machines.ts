import * as z from 'zod';
import { DriverError } from '../contract/errors.ts';
import {
  faultsOfAll,
  type GivenImage,
  type GivenMachine,
  imageFaults,
  type MachineFault,
  unlessDenied,
} from '../contract/machine-checks.ts';
import { readFlavors } from './flavors.ts';
import { imageArchitecture, imageSchema, minDiskOf } from './images.ts';
import type { Region } from './region.ts';
import { serverGroupId } from './server-groups.ts';

type Cloud = Pick<Region, 'name' | 'call' | 'remove' | 'readAll' | 'hasVolumes'>;

/** Finds what is wrong with the image, the server group and the volume types that a user has named. */
export async function findMachineFaults(region: Region, machine: GivenMachine): Promise<MachineFault[]> {
  return await faultsOfAll([
    () => unlessDenied(() => findImageFaults(region, machine)),
    () => unlessDenied(() => findGroupFaults(region, machine)),
    () => unlessDenied(() => findDiskFaults(region, machine)),
  ]);
}

/** Finds out whether a server group exists. Nova shows the groups of the credential's project only. */
export async function findGroupFaults(
  region: Cloud,
  { placementGroup }: Pick<GivenMachine, 'placementGroup'>,
): Promise<MachineFault[]> {
  if (placementGroup === undefined) return [];
  try {
    const id = await serverGroupId(region, placementGroup);
    const answer = z.object({ server_group: z.object({ id: z.string() }) });
    // A name was found in the list of groups. An id is read.
    if (id === placementGroup)
      await region.call('compute', { method: 'GET', path: ['os-server-groups', id], answer });
    return [];
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    if (error.code !== 'InvalidRequest' && error.code !== 'NotFound') throw error;
    const message =
      error.code === 'NotFound' ? `the project has no server group ${placementGroup}` : error.message;
    return [{ field: 'placementGroup', code: 'unknown-placement-group', message }];
  }
}

/** Finds out whether volume types exist that a user names by name or id. A region without Cinder has no volumes. */
export async function findDiskFaults(
  region: Cloud,
  { diskTypes = [], dataDisks = 0 }: Pick<GivenMachine, 'diskTypes' | 'dataDisks'>,
): Promise<MachineFault[]> {
  if (diskTypes.length === 0 && dataDisks === 0) return [];
  if (!(await region.hasVolumes())) {
    const message = `region ${region.name} offers no volumes: it has no Cinder`;
    return [
      ...diskTypes.map(({ field }) => ({ field, code: 'unknown-disk-type' as const, message })),
      ...(dataDisks > 0 ? [{ field: 'dataDisks' as const, code: 'not-usable' as const, message }] : []),
    ];
  }
  if (diskTypes.length === 0) return [];
  const item = z.object({ id: z.string(), name: z.string() });
  const known = await region.readAll('volume', { path: ['types'], key: 'volume_types', item });
  const isKnown = (name: string) => known.some((type) => type.name === name || type.id === name);
  return diskTypes
    .filter(({ name }) => !isKnown(name))
    .map(({ field, name }) => ({
      field,
      code: 'unknown-disk-type',
      message: `${region.name} has no volume type ${name}; its types are: ${known.map((type) => type.name).join(', ')}`,
    }));
}

/** Finds what is wrong with an image that a user has given by its id. Another project may share the image. */
async function findImageFaults(
  region: Region,
  { imageId, instanceTypes, rootDisk }: GivenMachine,
): Promise<MachineFault[]> {
  if (imageId === undefined) return [];
  const [image, flavors] = await Promise.all([readImage(region, imageId), readFlavors(region)]);
  const types = flavors
    .filter(({ type }) => instanceTypes.includes(type.name))
    .map(({ type: { name, architecture } }) => ({ name, architectures: [architecture] }));
  return imageFaults(region.name, imageId, image, types, rootDisk);
}

async function readImage(region: Region, id: string): Promise<GivenImage | undefined> {
  try {
    const image = await region.call('image', { method: 'GET', path: ['images', id], answer: imageSchema });
    const architecture = imageArchitecture(image);
    return {
      ...(architecture === undefined ? {} : { architectures: [architecture] }),
      ...minDiskOf(image),
      ...(image.status === 'active' ? {} : { unusable: image.status }),
    };
  } catch (error) {
    if (error instanceof DriverError && error.code === 'NotFound') return undefined;
    throw error;
  }
}
