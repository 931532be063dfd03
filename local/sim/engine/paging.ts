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
  const most = Math.min(limit ?? pageSize, pageSize);
  const items: Item[] = [];
  let last = after;
  for (const [index, item] of sorted.entries()) {
    const at = position(item, index);
    if (at <= after) continue;
    if (items.length === most) return { items, nextCursor: String(last) };
    items.push(item);
    last = at;
  }
  return { items, nextCursor: null };
}
