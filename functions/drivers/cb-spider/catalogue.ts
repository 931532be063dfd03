import {
  type Architecture,
  type Image,
  type InstanceType,
  type Location,
  type Offer,
  offerId,
} from '../../model/cloud.ts';
import { cloudWordSchema } from '../../model/identifiers.ts';
import type { ImageAnswer, PricesAnswer, RegionZoneAnswer, SpecAnswer } from './answers.ts';

const HOURLY = /^(per ?)?(1 ?)?(h|hrs?|hours?)$/i;
const ARM = /arm64|aarch64/i;
const X86 = /x86_64|x86-64|amd64/i;
/** Matches EC2's Graviton types, which are arm64. Used if CB-Spider does not report a type's architecture. */
const GRAVITON = /^[a-z]+[0-9]+g[a-z]*\./;

export function locationOf({ Name, DisplayName, ZoneList }: RegionZoneAnswer): Location {
  return {
    name: Name,
    displayName: DisplayName ?? Name,
    zones: ZoneList.map((zone) => zone.Name).filter(isWord),
    available: ZoneList.length === 0 || ZoneList.some(({ Status }) => Status !== 'Unavailable'),
  };
}

/**
 * Converts types to offers. Leaves out types whose vCPUs or memory CB-Spider does not report, because users choose
 * types by these figures.
 */
export function offersOf(
  location: string,
  specs: readonly SpecAnswer[],
  prices: ReadonlyMap<string, number>,
): { instanceTypes: InstanceType[]; offers: Offer[] } {
  const types = new Map<string, InstanceType>();
  for (const spec of specs) {
    const type = typeOf(spec);
    if (type && !types.has(type.name)) types.set(type.name, type);
  }
  const instanceTypes = [...types.values()];
  const offers = instanceTypes.map(({ name }): Offer => {
    const price = prices.get(name);
    return {
      id: offerId(location, undefined, name),
      location,
      instanceType: name,
      ...(price === undefined ? {} : { priceUsdPerHour: price }),
      available: true,
    };
  });
  return { instanceTypes, offers };
}

function typeOf(spec: SpecAnswer): InstanceType | undefined {
  const { Name, VCpu, MemSizeMiB } = spec;
  if (!isWord(Name) || !VCpu.Count || !MemSizeMiB) return undefined;
  const gpu = gpuOf(spec);
  return {
    name: Name,
    vcpus: VCpu.Count,
    memoryGb: MemSizeMiB / 1_024,
    architecture: architectureOf(spec),
    ...(gpu ? { gpu } : {}),
  };
}

const architectureOf = (spec: SpecAnswer): Architecture => toldArchitecture(spec) ?? 'x86_64';

/** Returns the architecture of a type, as its description or EC2's naming tells it; undefined if neither does. */
export function toldArchitecture({ Name, KeyValueList }: SpecAnswer): Architecture | undefined {
  const told = architectureIn(KeyValueList.map(({ Value }) => Value).join(' '));
  return told ?? (GRAVITON.test(Name) ? 'arm64' : undefined);
}

/** Returns the architecture that a text names; x86_64 if it names both, and undefined if it names none. */
export function architectureIn(text: string): Architecture | undefined {
  if (X86.test(text)) return 'x86_64';
  return ARM.test(text) ? 'arm64' : undefined;
}

/**
 * Returns the GPUs of a type. `memoryGb` is the memory of one GPU. If CB-Spider reports only the total memory, the
 * function divides the total by the number of GPUs.
 */
function gpuOf({ Gpu: [gpu] }: SpecAnswer): InstanceType['gpu'] {
  if (!gpu?.Count || !Number.isInteger(gpu.Count)) return undefined;
  const memoryGb = gpu.MemSizeGB || (gpu.TotalMemSizeGB ?? 0) / gpu.Count;
  if (!memoryGb) return undefined;
  return { model: gpu.Model ?? 'NA', manufacturer: gpu.Mfr ?? 'NA', count: gpu.Count, memoryGb };
}

/**
 * Returns the lowest price of each type, in USD per hour. Leaves out prices in other currencies or for other units of
 * time.
 */
export function pricesByType({ PriceList }: PricesAnswer): Map<string, number> {
  const prices = new Map<string, number>();
  for (const { ProductInfo, PriceInfo } of PriceList) {
    const name = ProductInfo.VMSpecName ?? ProductInfo.VMSpecInfo?.Name;
    const { Price, Currency, Unit } = PriceInfo.OnDemand ?? {};
    if (name === undefined || !Price || Currency !== 'USD' || !HOURLY.test(Unit ?? '')) continue;
    prices.set(name, Math.min(Price, prices.get(name) ?? Price));
  }
  return prices;
}

/**
 * Converts images. The name of an image is the cloud's id, because a create call requires that id. The cloud's own name
 * of the image becomes the description.
 */
export function imagesOf(location: string, answers: readonly ImageAnswer[]): Image[] {
  const images = new Map<string, Image>();
  for (const answer of answers) {
    const name = answer.IId.NameId;
    const about = [answer.Name, answer.OSDistribution, answer.OSPlatform];
    if (!isWord(name) || images.has(name)) continue;
    images.set(name, {
      name,
      location,
      backendId: name,
      description: about.filter((part) => part && part !== 'NA').join(', '),
      architectures: [ARM.test(answer.OSArchitecture ?? '') ? 'arm64' : 'x86_64'],
      available: answer.ImageStatus !== 'Unavailable',
    });
  }
  return [...images.values()];
}

function isWord(text: string): boolean {
  return cloudWordSchema.safeParse(text).success;
}
