/** A page of a list. On the last page, `cursor` is `null`. Any page, not only the last one, may have few items. */
interface Page<Item> {
  items: Item[];
  cursor: string | null;
}

/**
 * Yields every item of a list. Reads a page only when its first item is needed. Example: `for await (const
 * fleet of eachItem(client.listFleets, { params: { namespace: 'default' } }))`.
 */
export async function* eachItem<Input extends { query?: { cursor?: string | undefined } } | undefined, Item>(
  list: (input: Input) => Promise<Page<Item>>,
  input: NonNullable<Input>,
): AsyncGenerator<Item, void, undefined> {
  let cursor = input.query?.cursor;
  do {
    const page = await list({ ...input, query: { ...input.query, cursor } });
    yield* page.items;
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined);
}
