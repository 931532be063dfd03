import type { Page } from './requests.ts';

/**
 * Returns one page of items that are sorted by a number. The cursor is the number of the last item: if items are added
 * or removed between two pages, no other item is repeated or left out.
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
