import * as z from 'zod';
import type { Architecture, Image } from '../../model/cloud.ts';
import { cloudWordSchema } from '../../model/identifiers.ts';
import type { Region } from './region.ts';

export const imageSchema = z.object({
  id: z.string().min(1),
  name: z.string().nullish(),
  status: z.string(),
  created_at: z.string(),
  visibility: z.string().optional(),
  architecture: z.string().optional(),
  hw_architecture: z.string().optional(),
  image_type: z.string().optional(),
  os_distro: z.string().optional(),
  os_version: z.string().optional(),
  min_disk: z.number().optional(),
});
export type GlanceImage = z.output<typeof imageSchema>;

const ARCHITECTURES: ReadonlyMap<string, Architecture> = new Map([
  ['x86_64', 'x86_64'],
  ['amd64', 'x86_64'],
  ['x86-64', 'x86_64'],
  ['aarch64', 'arm64'],
  ['arm64', 'arm64'],
]);

export function architectureOf(word: string | undefined): Architecture | undefined {
  return word === undefined ? undefined : ARCHITECTURES.get(word.toLowerCase());
}

/**
 * Returns the architecture that the image's properties state. Without such a property, the image's name decides: arm64
 * if the name contains `arm64` or `aarch64`, else x86. Undefined if the properties state an architecture that is not in
 * `ARCHITECTURES`.
 */
export function imageArchitecture(image: GlanceImage): Architecture | undefined {
  const said = image.hw_architecture ?? image.architecture;
  if (said !== undefined) return architectureOf(said);
  return /aarch64|arm64/i.test(image.name ?? '') ? 'arm64' : 'x86_64';
}

/**
 * Lists every image that this project may use. Each image is listed under the image's own name. An image with a
 * well-known name (`wellKnownName`) is also listed under that name.
 */
export async function readImages(region: Region): Promise<Image[]> {
  const answers = await region.readAll('image', {
    path: ['images'],
    key: 'images',
    item: imageSchema,
    query: { status: 'active' },
  });
  const newestLast = answers.toSorted(
    (one, other) => one.created_at.localeCompare(other.created_at) || one.id.localeCompare(other.id),
  );
  const named = new Map<string, Image>();
  const offer = (image: GlanceImage, name: string | undefined) => {
    const architecture = imageArchitecture(image);
    if (name === undefined || architecture === undefined) return;
    named.set(name, {
      name,
      location: region.name,
      backendId: image.id,
      description: image.name || image.id,
      architectures: [architecture],
      ...minDiskOf(image),
      available: true,
    });
  };
  // A newer image replaces an older one of the same name. For well-known names, public images come last, so that a
  // user's own image does not replace the cloud's image.
  for (const image of newestLast) offer(image, wordOf(image.name ?? ''));
  const publicLast = newestLast.toSorted((one, other) => Number(isPublic(one)) - Number(isPublic(other)));
  for (const image of publicLast) offer(image, wellKnownName(image));
  return [...named.values()];
}

/** Returns the least root disk that Nova makes from an image. 0 means any size. */
export const minDiskOf = ({ min_disk: minDiskGb = 0 }: GlanceImage): { minDiskGb?: number } =>
  minDiskGb > 0 ? { minDiskGb } : {};

const isPublic = ({ visibility }: GlanceImage): boolean => visibility === 'public';

/** Patterns that recognise a distribution by `os_distro` or by the image's name. */
const DISTRIBUTIONS: readonly { name: string; pattern: RegExp; version: RegExp }[] = [
  { name: 'ubuntu', pattern: /^ubuntu\b/, version: /\b(\d{2}\.\d{2})\b/ },
  { name: 'debian', pattern: /^debian\b/, version: /\b(\d{1,2})(\.\d+)*\b/ },
  { name: 'rocky', pattern: /^rocky/, version: /\b(\d{1,2})(\.\d+)*\b/ },
  { name: 'almalinux', pattern: /^alma/, version: /\b(\d{1,2})(\.\d+)*\b/ },
  { name: 'centos-stream', pattern: /^centos.*stream/, version: /\b(\d{1,2})\b/ },
  { name: 'fedora', pattern: /^fedora/, version: /\b(\d{2})\b/ },
  { name: 'opensuse-leap', pattern: /^opensuse.*leap/, version: /\b(\d{2}\.\d)\b/ },
];

/**
 * Returns a name that is the same at every cloud, such as `ubuntu-24.04` or `debian-12-arm64`. With this name, a fleet
 * request can name the image for many clouds. Undefined if the distribution or its version is not known.
 */
export function wellKnownName(image: GlanceImage): string | undefined {
  // A snapshot of a machine has the properties of the original image, but other contents. Therefore it gets no
  // well-known name.
  if (image.image_type === 'snapshot') return undefined;
  const words = (image.name ?? '').toLowerCase().replace(/[_ ]+/g, '-');
  const distro = image.os_distro?.toLowerCase();
  const known = DISTRIBUTIONS.find(({ pattern }) => pattern.test(distro ?? words) || pattern.test(words));
  if (!known) return undefined;
  const version = known.version.exec(image.os_version ?? '')?.[1] ?? known.version.exec(words)?.[1];
  if (version === undefined) return undefined;
  return `${known.name}-${version}${imageArchitecture(image) === 'arm64' ? '-arm64' : ''}`;
}

/** Returns an image's name in the form that a fleet request allows: characters that are not allowed become `-`. */
function wordOf(name: string): string | undefined {
  const word = name.replace(/[^A-Za-z0-9._:/-]+/g, '-').replace(/^[^A-Za-z0-9]+|-+$/g, '');
  return cloudWordSchema.safeParse(word.slice(0, 128)).data;
}
