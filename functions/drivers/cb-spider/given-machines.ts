import type { Architecture } from '../../model/cloud.ts';
import { DriverError } from '../contract/errors.ts';
import {
  type GivenImage,
  type GivenMachine,
  imageFaults,
  type MachineFault,
  unlessDenied,
} from '../contract/machine-checks.ts';
import { type ImageAnswer, imageSchema, specSchema } from './answers.ts';
import { architectureIn, toldArchitecture } from './catalogue.ts';
import type { SpiderSite } from './registration.ts';
import type { SpiderTransport } from './transport.ts';

interface Reading {
  transport: SpiderTransport;
  site: SpiderSite;
}

/**
 * Words of CB-Spider's drivers for an image that the cloud does not have, where the tables of words know no code for them
 * (Tencent: "I couldn't find the information.").
 */
const NOT_FOUND = /could ?n[o']t find|failed to find/i;

/** Finds what is wrong with an image that a user has given by its id. CB-Spider asks the cloud for it. */
export async function findMachineFaults(
  reading: Reading,
  { imageId, instanceTypes }: GivenMachine,
): Promise<MachineFault[]> {
  if (imageId === undefined) return [];
  return await unlessDenied(async () => {
    const { location } = reading.site;
    const image = await readImage(reading, imageId);
    if (!image?.architectures) return imageFaults(location, imageId, image, []);
    const types = await Promise.all(instanceTypes.map((name) => readType(reading, name)));
    return imageFaults(location, imageId, image, types.flat());
  });
}

async function readImage({ transport, site }: Reading, id: string): Promise<GivenImage | undefined> {
  try {
    const image = await transport.call({ ...askAt(site), path: ['vmimage', id], answer: imageSchema });
    return givenImage(image);
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    const { code, message } = error;
    if (code === 'NotFound' || code === 'InvalidRequest' || NOT_FOUND.test(message)) return undefined;
    throw error;
  }
}

function givenImage({ OSArchitecture, ImageStatus }: ImageAnswer): GivenImage {
  const architecture = architectureIn(OSArchitecture ?? '');
  return {
    ...(architecture === undefined ? {} : { architectures: [architecture] }),
    ...(ImageStatus === 'Unavailable' ? { unusable: ImageStatus } : {}),
  };
}

/** Returns nothing for a type that CB-Spider does not know, or whose architecture it does not tell. */
async function readType(
  { transport, site }: Reading,
  name: string,
): Promise<{ name: string; architectures: Architecture[] }[]> {
  try {
    const spec = await transport.call({ ...askAt(site), path: ['vmspec', name], answer: specSchema });
    const architecture = toldArchitecture(spec);
    return architecture === undefined ? [] : [{ name, architectures: [architecture] }];
  } catch (error) {
    if (error instanceof DriverError && (error.code === 'NotFound' || error.code === 'InvalidRequest'))
      return [];
    throw error;
  }
}

const askAt = ({ location, connectionName }: SpiderSite) =>
  ({ location, method: 'GET', query: { ConnectionName: connectionName } }) as const;
