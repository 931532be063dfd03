import type { Image, InstanceType } from '../../functions/model/cloud.ts';
import type { NodeGroupRequest } from '../../functions/model/fleet-request.ts';

/** Types and images that a connection's catalogue offers at one location. */
export interface OfferedAt {
  location: string;
  /** Names of the types that are available at the location. */
  types: ReadonlySet<string>;
  images: readonly Image[];
}

/**
 * Small, cheap and current types. Among types that the same number of locations offers, the first type of
 * this list is chosen. If the list has none of these types, the smallest type is chosen.
 */
const PREFERRED_TYPES = ['t3.micro', 'm1.tiny', 'm1.small'];
const PREFERRED_IMAGES = ['ubuntu-24.04', 'debian-13', 'debian-12', 'al2023'];

interface Choice {
  type: InstanceType;
  image: string;
  locations: string[];
}

/**
 * Chooses a node group from a cloud's catalogue. The group has the type and image that the largest number of
 * locations offers, and is launched in these locations.
 *
 * @returns undefined when no location offers an image together with a type that boots it
 */
export function chooseGroup(
  connection: string,
  size: number,
  types: readonly InstanceType[],
  offered: readonly OfferedAt[],
): NodeGroupRequest | undefined {
  const images = [...new Set(offered.flatMap(({ images: here }) => here.map(({ name }) => name)))];
  const imagesInOrder = byPreference(images, PREFERRED_IMAGES, (a, b) => (a < b ? -1 : 1));
  const typesInOrder = byPreference(
    types.filter(({ gpu }) => gpu === undefined),
    PREFERRED_TYPES,
    (a, b) => a.vcpus - b.vcpus || a.memoryGb - b.memoryGb || (a.name < b.name ? -1 : 1),
    ({ name }) => name,
  );
  let best: Choice | undefined;
  for (const type of typesInOrder) {
    for (const image of imagesInOrder) {
      const locations = offered.filter((one) => boots(one, type, image)).map(({ location }) => location);
      if (locations.length > (best?.locations.length ?? 0)) best = { type, image, locations };
    }
  }
  if (!best) return undefined;
  return {
    name: connection,
    size,
    connection,
    locations: best.locations.slice(0, size),
    instanceType: best.type.name,
    image: best.image,
  };
}

function boots({ types, images }: OfferedAt, type: InstanceType, image: string): boolean {
  return (
    types.has(type.name) &&
    images.some(
      ({ name, available, architectures }) =>
        name === image && available && architectures.includes(type.architecture),
    )
  );
}

function byPreference<Item>(
  items: readonly Item[],
  preferred: readonly string[],
  compare: (a: Item, b: Item) => number,
  nameOf: (item: Item) => string = String,
): Item[] {
  const rank = (item: Item) => {
    const at = preferred.indexOf(nameOf(item));
    return at < 0 ? preferred.length : at;
  };
  return items.toSorted((a, b) => rank(a) - rank(b) || compare(a, b));
}
