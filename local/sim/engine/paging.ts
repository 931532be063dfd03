import type { Page } from './requests.ts';

/**
 * One page of items that are sorted by a number; the cursor is the last one's, so that what comes and goes
 * between two pages neither repeats nor hides the others.
 */
export function pageOf<Item>(
  sorted: readonly Item[],
  { limit, cursor }: Page,
  pageSize: number,
  position: (item: Item, index: number) => number,
): { items: Item[]; nextCursor: string | null } {
  const after = cursor === undefined ? Number.NEGATIVE_INFINITY : Number(cursor);
  const placed = sorted.map((item, index) => ({ item, at: position(item, index) }));
  const rest = placed.filter(({ at }) => at > after);
  const page = rest.slice(0, Math.min(limit ?? pageSize, pageSize));
  const last = page.at(-1);
  return {
    items: page.map(({ item }) => item),
    nextCursor: last && rest.length > page.length ? String(last.at) : null,
  };
}
