import type { CloudConfig } from '../config.ts';
import type { ListFilter } from './requests.ts';

/**
 * Whether a list shows what has this name and these tags. A cloud without tags knows names only, and does not say
 * that it takes no notice of the rest.
 */
export function isListed(
  { tags: hasTags }: Pick<CloudConfig, 'tags'>,
  { name, tags }: { name: string; tags: Readonly<Record<string, string>> },
  filter: ListFilter,
): boolean {
  const wanted = Object.entries(filter.tags);
  if (wanted.length === 0 && filter.namePrefix === undefined) return true;
  if (filter.namePrefix !== undefined && name.startsWith(filter.namePrefix)) return true;
  return hasTags && wanted.length > 0 && wanted.every(([key, value]) => tags[key] === value);
}
