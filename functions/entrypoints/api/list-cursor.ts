import { createHash } from 'node:crypto';
import { invalidCursor } from './cursor.ts';
import type { Route } from './routes/route.ts';

const MARK_LENGTH = 8;

/** Query parameters that may differ between two pages of one list. */
const OF_A_PAGE: ReadonlySet<string> = new Set(['cursor', 'limit']);

interface ListRequest {
  params: unknown;
  query: unknown;
}

/**
 * Returns the mark of a list: a short hash of the operation, the path and the filters. Each cursor begins with the mark
 * of its list, so that another list refuses the cursor.
 *
 * @returns undefined if the operation returns no pages
 */
export function markOfList(
  { operationId, query: schema }: Pick<Route, 'operationId' | 'query'>,
  { params, query }: ListRequest,
): string | undefined {
  if (!('cursor' in schema.shape)) return undefined;
  const filters = entriesOf(query).filter(([name, value]) => value !== undefined && !OF_A_PAGE.has(name));
  const list = [operationId, entriesOf(params), filters];
  return createHash('sha256').update(JSON.stringify(list)).digest('base64url').slice(0, MARK_LENGTH);
}

const entriesOf = (record: unknown): [string, unknown][] =>
  typeof record === 'object' && record !== null
    ? Object.entries(record).toSorted(([one], [other]) => (one < other ? -1 : 1))
    : [];

/**
 * Returns a query in which the cursor has no mark. @throws Problem 400 if the cursor has the mark of another list, or none
 */
export function withoutMark(query: unknown, mark: string | undefined): unknown {
  if (mark === undefined || !hasCursor(query)) return query;
  if (!query.cursor.startsWith(mark)) throw invalidCursor();
  return { ...query, cursor: query.cursor.slice(mark.length) };
}

/** Returns a page whose cursor begins with the mark of its list. */
export function withMark(page: unknown, mark: string | undefined): unknown {
  return mark === undefined || !hasCursor(page) ? page : { ...page, cursor: `${mark}${page.cursor}` };
}

const hasCursor = (value: unknown): value is { cursor: string } =>
  typeof value === 'object' && value !== null && 'cursor' in value && typeof value.cursor === 'string';
