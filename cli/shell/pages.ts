interface Page<Item> {
  items: Item[];
  cursor: string | null;
}

/**
 * Reads pages of a list until `limit` items are read or the list ends. A page before the last one may be
 * empty.
 *
 * @returns one page with all items; `cursor` is the cursor of the next page, or null at the end of the list
 */
export async function readPages<Item>(
  { limit, maxPage, cursor: from }: { limit: number; maxPage: number; cursor: string | undefined },
  read: (page: { limit: number; cursor?: string }) => Promise<Page<Item>>,
): Promise<Page<Item>> {
  const items: Item[] = [];
  let cursor: string | null = from ?? null;
  do {
    const page: Page<Item> = await read({
      limit: Math.min(maxPage, limit - items.length),
      ...(cursor === null ? {} : { cursor }),
    });
    items.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== null && items.length < limit);
  return { items, cursor };
}
