import type { Architecture } from '../../model/cloud.ts';
import type { InstanceSpec } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import type { DriverClock } from '../contract/surroundings.ts';
import { type Flavor, readFlavors } from './flavors.ts';
import { imageArchitecture, imageSchema } from './images.ts';
import type { Region } from './region.ts';

const MAX_AGE_MS = 60_000;

interface Kept<Value> {
  value: Promise<Value>;
  readAtMs: number;
}

/**
 * Caches for up to a minute what a create call needs in addition to its spec: the ids of flavors, and the architectures
 * of images. Refuses an image that has another architecture than the flavor. Nova itself would accept such a request,
 * and the server would fail later.
 */
export class Catalogue {
  readonly #flavors = new Map<string, Kept<Flavor[]>>();
  readonly #images = new Map<string, Kept<Architecture | undefined>>();

  /**
   * Finds the flavor of a spec. @throws DriverError InvalidRequest if the region has no such type or image, or the type
   * cannot boot the image
   */
  async flavorFor(region: Region, { instanceType, imageBackendId }: InstanceSpec): Promise<Flavor> {
    const [flavors, architecture] = await Promise.all([
      keep(region.clock, this.#flavors, region.name, () => readFlavors(region)),
      keep(region.clock, this.#images, `${region.name}/${imageBackendId}`, () =>
        readArchitecture(region, imageBackendId),
      ),
    ]);
    const flavor = flavors.find(({ type }) => type.name === instanceType);
    if (!flavor) throw refusal(`region ${region.name} has no flavor ${instanceType}`);
    if (architecture !== flavor.type.architecture) {
      throw refusal(`image ${imageBackendId} does not boot on ${flavor.type.architecture}`);
    }
    return flavor;
  }
}

async function readArchitecture(region: Region, id: string): Promise<Architecture | undefined> {
  try {
    const path = ['images', id];
    return imageArchitecture(await region.call('image', { method: 'GET', path, answer: imageSchema }));
  } catch (error) {
    if (!(error instanceof DriverError) || error.code !== 'NotFound') throw error;
    throw refusal(`region ${region.name} has no image ${id}`, error);
  }
}

async function keep<Value>(
  clock: DriverClock,
  kept: Map<string, Kept<Value>>,
  key: string,
  read: () => Promise<Value>,
): Promise<Value> {
  const known = kept.get(key);
  if (known && clock.now() - known.readAtMs < MAX_AGE_MS) return await known.value;
  const value = read();
  kept.set(key, { value, readAtMs: clock.now() });
  try {
    return await value;
  } catch (error) {
    if (kept.get(key)?.value === value) kept.delete(key);
    throw error;
  }
}

function refusal(message: string, cause?: unknown): DriverError {
  return new DriverError('InvalidRequest', message, { cause });
}
