import * as z from 'zod';
import { type Query, validation } from './commands.ts';
import { checkPlaceholders, type Item, meets, type Placeholders } from './evaluate.ts';
import { type Condition, parseCondition } from './expressions.ts';
import type { Table } from './table.ts';

/** One answer to a query. */
interface Page {
  pk: string;
  /** All items that were read. They count for capacity. */
  read: Item[];
  /** The items of `read` that match the filter. */
  found: Item[];
  /** The LastEvaluatedKey, if there are more items. */
  last?: Item;
}

/**
 * Reads the next page of a partition of a table, or of one of its indexes.
 *
 * @param pageSize maximum number of items in one answer
 * @throws Error ValidationException
 */
export function readPage(
  table: Table,
  query: Query,
  { nowMs, pageSize }: { nowMs: number; pageSize: number },
): Page {
  const { KeyConditionExpression, FilterExpression, IndexName, ExclusiveStartKey } = query;
  const condition = parseCondition(KeyConditionExpression);
  checkPlaceholders(query, [condition, ...(FilterExpression ? [parseCondition(FilterExpression)] : [])]);
  if (IndexName !== undefined && query.ConsistentRead) throw validation('indexes have no consistent reads');
  const pk = hashValue(KeyConditionExpression, query.ExpressionAttributeValues);
  const prefix = sortPrefix(condition.tree, query);
  const { items, keys } =
    IndexName === undefined
      ? { items: table.partition(pk, nowMs, query.ConsistentRead, prefix), keys: ['pk', 'sk'] as const }
      : table.indexPartition(IndexName, pk, nowMs);
  const [, sk] = keys;
  // True if the key and the prefix selected the items. The condition then holds for each of them without a
  // check.
  const isMet = condition.tree.kind !== 'and' || (IndexName === undefined && prefix !== '');
  const after = ExclusiveStartKey ? String(ExclusiveStartKey[sk]) : undefined;
  const comesAfter = (item: Item) =>
    after === undefined || (query.ScanIndexForward ? String(item[sk]) > after : String(item[sk]) < after);
  const most = Math.min(query.Limit ?? Number.POSITIVE_INFINITY, pageSize);
  const read: Item[] = [];
  let hasMore = false;
  for (const item of query.ScanIndexForward ? items : [...items].reverse()) {
    if (!(isMet || meets(KeyConditionExpression, item, query)) || !comesAfter(item)) continue;
    hasMore = read.length === most;
    if (hasMore) break;
    read.push(item);
  }
  const found =
    FilterExpression === undefined ? read : read.filter((item) => meets(FilterExpression, item, query));
  const end = read.at(-1);
  if (!end || !hasMore) return { pk, read, found };
  const names = new Set(['pk', 'sk', ...keys]);
  return { pk, read, found, last: Object.fromEntries([...names].map((name) => [name, end[name]])) };
}

/** Returns the prefix that a key condition requires of the sort key; an empty text if it requires none. */
function sortPrefix(tree: Condition, { ExpressionAttributeValues: values = {} }: Placeholders): string {
  const part = tree.kind === 'and' ? tree.parts[1] : undefined;
  if (part?.kind !== 'begins-with' || part.part.kind !== 'value') return '';
  return String(values[part.part.name] ?? '');
}

const hashSchema = z.string().min(1);

/** Returns the value that the first part of a key condition requires of the partition key. */
function hashValue(expression: string, values: Item | undefined): string {
  const tree = parseCondition(expression).tree;
  const first = tree.kind === 'and' ? tree.parts[0] : tree;
  if (first?.kind !== 'compare' || first.operator !== '=' || first.right.kind !== 'value') {
    throw validation(`the key condition does not begin with the partition key and \`=\`: ${expression}`);
  }
  return hashSchema.parse(values?.[first.right.name]);
}
