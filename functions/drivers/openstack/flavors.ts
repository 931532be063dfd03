import * as z from 'zod';
import { type Architecture, type InstanceType, type Offer, offerId } from '../../model/cloud.ts';
import { cloudWordSchema } from '../../model/identifiers.ts';
import { gpuOf } from './gpus.ts';
import { architectureOf } from './images.ts';
import type { Region } from './region.ts';

const MB_PER_GB = 1_024;

const flavorSchema = z.object({
  id: z.string().min(1),
  name: z.string(),
  vcpus: z.number(),
  ram: z.number().describe('MiB'),
  disk: z.number().describe('Size in GiB. 0: as large as the image.'),
  'OS-FLV-DISABLED:disabled': z.boolean().default(false),
  extra_specs: z.record(z.string(), z.string()).default({}),
});

export interface Flavor {
  id: string;
  diskGb: number;
  type: InstanceType;
  isAvailable: boolean;
}

/**
 * Reads every flavor that this project may use. A flavor whose name is not allowed in a fleet request is listed under
 * its id.
 */
export async function readFlavors(region: Region): Promise<Flavor[]> {
  const answers = await region.readAll('compute', {
    path: ['flavors', 'detail'],
    key: 'flavors',
    item: flavorSchema,
  });
  return answers.map(({ id, name, vcpus, ram, disk, extra_specs: specs, ...rest }) => {
    const gpu = gpuOf(specs);
    return {
      id,
      diskGb: disk,
      type: {
        name: cloudWordSchema.safeParse(name).success ? name : id,
        vcpus,
        memoryGb: ram / MB_PER_GB,
        architecture: architectureOfSpecs(specs),
        ...(gpu ? { gpu } : {}),
      },
      isAvailable: !rest['OS-FLV-DISABLED:disabled'],
    };
  });
}

/** Converts flavors to offers, without prices: OpenStack has no price list that its users may read. */
export function offersOf(flavors: readonly Flavor[], location: string) {
  const instanceTypes: InstanceType[] = flavors.map(({ type }) => type);
  const offers: Offer[] = flavors.map(({ type, isAvailable }) => ({
    id: offerId(location, undefined, type.name),
    location,
    instanceType: type.name,
    available: isAvailable,
  }));
  return { instanceTypes, offers };
}

/**
 * Returns the architecture of a flavor. The architecture is x86 unless the flavor requires hosts of another
 * architecture.
 */
function architectureOfSpecs(specs: Readonly<Record<string, string>>): Architecture {
  if (specs['trait:HW_ARCH_AARCH64'] === 'required') return 'arm64';
  const asked =
    specs['capabilities:cpu_info:arch'] ?? specs['capabilities:cpu_arch'] ?? specs['hw:architecture'];
  return architectureOf(asked?.replace(/^<in>\s*/, '')) ?? 'x86_64';
}
