/**
 * A page of a list. On the last page, `cursor` is `null`. A page before the last one may also be short or
 * empty.
 */
interface Page<Item> {
  items: Item[];
  cursor: string | null;
}

/**
 * Yields every item of a list. Reads the next page only when the caller has taken all items of the page
 * before. Example:
 * `for await (const fleet of eachItem(client.listFleets, { params: { namespace: 'default' } }))`.
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
