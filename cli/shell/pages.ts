interface Page<Item> {
  items: Item[];
  cursor: string | null;
}

/**
 * Items of a list, page after page, until there are as many as asked for or no more. A page may be empty and still
 * have a next one.
 *
 * @returns in the shape of a page: `cursor` says whether, and where, there is more
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
