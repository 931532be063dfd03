import type { CloudConfig } from './config.ts';
import type { ListFilter } from './requests.ts';

interface Listable {
  name: string;
  tags: Readonly<Record<string, string>>;
}

/**
 * Returns a function that tells whether a list with this filter shows a resource. A cloud without tags
 * compares only names, and ignores the filter's tags without an error.
 */
export function listedBy(
  { tags: hasTags }: Pick<CloudConfig, 'tags'>,
  { tags: wantedTags, namePrefix }: ListFilter,
): (one: Listable) => boolean {
  const wanted = Object.entries(wantedTags);
  if (wanted.length === 0 && namePrefix === undefined) return () => true;
  return ({ name, tags }) =>
    (namePrefix !== undefined && name.startsWith(namePrefix)) ||
    (hasTags && wanted.length > 0 && wanted.every(([key, value]) => tags[key] === value));
}
