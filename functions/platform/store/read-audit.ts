import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import type { AuditEntry } from '../../model/audit-entry.ts';
import { parseEntry } from './audit-items.ts';
import { LOGS_PARTITION, logPartitions, positionOf } from './audit-keys.ts';
import { queryAll } from './listing.ts';
import type { Store } from './store.ts';

/** Sorts before each position, and after each position. */
const FIRST = '0';
const LAST = '~';
/** Number of partitions from which entries are read at a time, and the entries of one read. */
const CONCURRENT_READS = 25;
const FEWEST_ENTRIES = 10;

/** Selects entries by their time. Times are ISO 8601 with milliseconds. */
export interface AuditRange {
  /** The entries begin at this time. Absent: with the oldest one. */
  since?: string | undefined;
  /** The entries end before this time. Absent: with the newest one. */
  until?: string | undefined;
  /** Position of the last entry that was read. The entries are older than that one. */
  after?: string | undefined;
}

/** Returns the names of all logs that have entries, also those of namespaces that were deleted. */
export async function readLogNames(store: Store<'audit'>): Promise<string[]> {
  return await queryAll(
    store,
    store.tables.audit,
    { pk: LOGS_PARTITION, prefix: '' },
    (item) => z.object({ sk: z.string() }).parse(item).sk,
  );
}

/** A partition of a log, with entries that were read from it and not returned yet. Newest first. */
interface Source {
  pk: string;
  buffered: AuditEntry[];
  /** Sort key after which the next read goes on. Undefined: nothing was read yet. Null: nothing is left. */
  next: string | undefined | null;
}

/**
 * Reads logs together, newest entry first.
 *
 * @param logs names of the logs
 * @param expected number of entries that the caller probably takes
 */
export async function* readNewest(
  store: Store<'audit'>,
  logs: readonly string[],
  range: AuditRange,
  expected: number,
): AsyncGenerator<AuditEntry> {
  const sources = logs.flatMap(logPartitions).map((pk): Source => ({ pk, buffered: [], next: undefined }));
  const limit = Math.max(FEWEST_ENTRIES, Math.ceil((2 * expected) / Math.max(1, sources.length)));
  for (;;) {
    const empty = sources.filter(({ buffered, next }) => buffered.length === 0 && next !== null);
    for (let from = 0; from < empty.length; from += CONCURRENT_READS) {
      const some = empty.slice(from, from + CONCURRENT_READS);
      await Promise.all(some.map((source) => fill(store, source, range, limit)));
    }
    const entry = takeNewest(sources);
    if (entry) yield entry;
    else if (sources.every(({ next }) => next === null)) return;
  }
}

/** Takes the newest entry of all. Every source must have entries, or have nothing left. */
function takeNewest(sources: readonly Source[]): AuditEntry | undefined {
  let newest: { source: Source; position: string } | undefined;
  for (const source of sources) {
    const [entry] = source.buffered;
    if (!entry) {
      // The page was empty, and the partition may have more entries.
      if (source.next !== null) return undefined;
      continue;
    }
    const position = positionOf(entry);
    if (!newest || position > newest.position) newest = { source, position };
  }
  return newest?.source.buffered.shift();
}

async function fill(
  store: Store<'audit'>,
  source: Source,
  { since, until, after }: AuditRange,
  limit: number,
): Promise<void> {
  const last = [until ?? LAST, after ?? LAST].toSorted()[0];
  const page = await store.document.send(
    new QueryCommand({
      TableName: store.tables.audit,
      KeyConditionExpression: 'pk = :pk AND sk BETWEEN :since AND :last',
      ExpressionAttributeValues: { ':pk': source.pk, ':since': since ?? FIRST, ':last': last },
      ScanIndexForward: false,
      Limit: limit,
      ...(typeof source.next === 'string' ? { ExclusiveStartKey: { pk: source.pk, sk: source.next } } : {}),
    }),
  );
  // BETWEEN includes the entry at which the page before has ended.
  source.buffered = (page.Items ?? []).map(parseEntry).filter((entry) => positionOf(entry) !== after);
  const end: unknown = page.LastEvaluatedKey?.['sk'];
  source.next = typeof end === 'string' ? end : null;
}
