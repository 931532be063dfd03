import type { Cloud } from '../../model/cloud.ts';
import type { DriverMetadata } from './metadata.ts';

/** Returns true if a name has the form of an image's id at the cloud, and a fleet may name an image by its id there. */
export function isImageId(name: string, { imageIdPattern }: DriverMetadata, cloud: Cloud): boolean {
  const pattern = typeof imageIdPattern === 'object' ? imageIdPattern[cloud] : imageIdPattern;
  return pattern !== undefined && new RegExp(`^(?:${pattern})$`).test(name);
}
