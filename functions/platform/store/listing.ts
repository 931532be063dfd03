import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { Store, Tables } from './store.ts';

export interface Page<Item> {
  items: Item[];
  /** Value that requests the next page; null if this is the last page. */
  cursor: string | null;
}

/** Selects the items of one partition whose sort key begins with `prefix`; '' selects all of them. */
export interface KeyRange {
  pk: string;
  prefix: string;
  /** True: the read is strongly consistent. Callers need this if they act on the absence of an item. */
  consistent?: boolean;
}

export interface PageRequest {
  limit: number;
  cursor?: string | undefined;
}

/**
 * Reads a page of a range, in the order of the sort key. The cursor is the sort key of the page's last item, without
 * the range's prefix.
 */
export async function queryPage<T extends keyof Tables, Item>(
  store: Store<T>,
  table: string,
  { pk, prefix, consistent = false }: KeyRange,
  { limit, cursor }: PageRequest,
  parse: (item: unknown) => Item,
): Promise<Page<Item>> {
  const page = await store.document.send(
    new QueryCommand({
      TableName: table,
      // DynamoDB refuses an empty prefix.
      ...(prefix === ''
        ? { KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': pk } }
        : {
            KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
            ExpressionAttributeValues: { ':pk': pk, ':prefix': prefix },
          }),
      Limit: limit,
      ...(consistent ? { ConsistentRead: true } : {}),
      ...(cursor === undefined ? {} : { ExclusiveStartKey: { pk, sk: `${prefix}${cursor}` } }),
    }),
  );
  const last: unknown = page.LastEvaluatedKey?.['sk'];
  return {
    items: (page.Items ?? []).map(parse),
    cursor: typeof last === 'string' ? last.slice(prefix.length) : null,
  };
}

/** Reads all items of a range. Use it only for partitions that stay small. */
export async function queryAll<T extends keyof Tables, Item>(
  store: Store<T>,
  table: string,
  keys: KeyRange,
  parse: (item: unknown) => Item,
): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const page = await queryPage(store, table, keys, { limit: 1_000, cursor }, parse);
    items.push(...page.items);
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined);
  return items;
}
