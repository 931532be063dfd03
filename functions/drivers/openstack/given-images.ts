import { DriverError } from '../contract/errors.ts';
import {
  type GivenImage,
  type GivenMachine,
  imageFaults,
  type MachineFault,
} from '../contract/machine-checks.ts';
import { readFlavors } from './flavors.ts';
import { imageArchitecture, imageSchema } from './images.ts';
import type { Region } from './region.ts';

/** Finds what is wrong with an image that a user has given by its id. Another project may share the image. */
export async function findMachineFaults(
  region: Region,
  { imageId, instanceTypes }: GivenMachine,
): Promise<MachineFault[]> {
  if (imageId === undefined) return [];
  const [image, flavors] = await Promise.all([readImage(region, imageId), readFlavors(region)]);
  const types = flavors
    .filter(({ type }) => instanceTypes.includes(type.name))
    .map(({ type: { name, architecture } }) => ({ name, architectures: [architecture] }));
  return imageFaults(region.name, imageId, image, types);
}

async function readImage(region: Region, id: string): Promise<GivenImage | undefined> {
  try {
    const image = await region.call('image', { method: 'GET', path: ['images', id], answer: imageSchema });
    const architecture = imageArchitecture(image);
    return {
      ...(architecture === undefined ? {} : { architectures: [architecture] }),
      ...(image.status === 'active' ? {} : { unusable: image.status }),
    };
  } catch (error) {
    if (error instanceof DriverError && error.code === 'NotFound') return undefined;
    throw error;
  }
}
