import * as z from 'zod';
import { MAX_PAGE } from '../../functions/model/paging.ts';
import type { Flag, Outcome } from '../shell/command.ts';
import type { Context } from '../shell/context.ts';
import { readPages } from '../shell/pages.ts';

const DEFAULT_LIMIT = 500;

/** Flags that every `list` command has. */
export const LIST_FLAGS: readonly Flag[] = [
  ['--limit <count>', `maximum number of items to list (${DEFAULT_LIMIT})`],
  ['--cursor <cursor>', 'cursor that an earlier list printed; this list begins where the earlier one ended'],
];

export const listInput = z.object({
  limit: z.coerce.number().int().min(1).max(100_000).default(DEFAULT_LIMIT),
  cursor: z.string().optional(),
});

/** Reads at most `limit` items of a list. If the list has more items, prints a note on stderr. */
export async function listed<Item>(
  context: Context,
  { limit, cursor }: z.infer<typeof listInput>,
  read: (page: { limit: number; cursor?: string }) => Promise<{ items: Item[]; cursor: string | null }>,
  text: (items: readonly Item[]) => string,
  maxPage = MAX_PAGE,
): Promise<Outcome> {
  const page = await readPages({ limit, maxPage, cursor }, read);
  if (page.cursor !== null)
    context.say(`There are more items: continue with --cursor ${page.cursor}, or give a higher --limit.`);
  return { document: page, text: text(page.items) };
}
