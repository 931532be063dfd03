import { createHash } from 'node:crypto';
import type { Key } from './keys.ts';

/**
 * Keys of the table `audit`. Only `append-audit.ts`, `open-acts.ts`, `read-audit.ts` and
 * `exported-entries.ts` use the table.
 *
 * | item | pk | sk |
 * |---|---|---|
 * | entry of a log | `LOG#<namespace>#<shard>` | `<at>#<id>` |
 * | a log that has entries | `LOGS` | `<namespace>` |
 * | act that is under way | `OPEN#<shard>` | `<at>#<id>` |
 * | last entry of a partition that was exported | `EXPORTED#LOG#<namespace>#<shard>` | `LAST` |
 *
 * No function may change or delete an entry: their policies let them delete acts that are under way, and nothing else.
 */

/** The log of acts that belong to no namespace. No namespace has this name. */
export const DEPLOYMENT_LOG = '*';

/**
 * Number of partitions of each log. DynamoDB takes 1,000 write units a second in a partition. A read of a log reads all of
 * them, and merges them. The number may grow between releases, but not shrink.
 */
export const SHARDS = 4;

/** What identifies an entry: the time, and an id. Entries are ordered by both together. */
export interface EntryRef {
  /** ISO 8601, with milliseconds. */
  at: string;
  id: string;
}

const shardOf = (id: string): number => createHash('sha256').update(id).digest().readUInt8(0) % SHARDS;

/** Returns the position of an entry in its log. Positions sort by time, then by id. */
export const positionOf = ({ at, id }: EntryRef): string => `${at}#${id}`;

export function refOf(position: string): EntryRef {
  const [at = '', id = ''] = position.split('#');
  return { at, id };
}

const shards = Array.from({ length: SHARDS }, (_, shard) => shard);

export const LOG_PREFIX = 'LOG#';
export const logPartitions = (log: string): string[] => shards.map((shard) => `${LOG_PREFIX}${log}#${shard}`);
export const entryKey = (log: string, ref: EntryRef): Key => ({
  pk: `${LOG_PREFIX}${log}#${shardOf(ref.id)}`,
  sk: positionOf(ref),
});
/** Returns the log of an entry, from its partition key. */
export const logOf = (pk: string): string => pk.slice(LOG_PREFIX.length, pk.lastIndexOf('#'));

export const LOGS_PARTITION = 'LOGS';
export const logKey = (log: string): Key => ({ pk: LOGS_PARTITION, sk: log });

export const openPartitions = (): string[] => shards.map((shard) => `OPEN#${shard}`);
export const openKey = (ref: EntryRef): Key => ({ pk: `OPEN#${shardOf(ref.id)}`, sk: positionOf(ref) });

export const exportedKey = (partition: string): Key => ({ pk: `EXPORTED#${partition}`, sk: 'LAST' });
