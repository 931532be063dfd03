import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { exportedKey } from './audit-keys.ts';
import type { Store } from './store.ts';

/** The last entry of a partition that was exported, by its sequence number in the table's stream. */
export interface ExportMark {
  partition: string;
  sequence: string;
}

/** Returns the sequence number of the last entry that was exported; undefined if none was. */
export async function readExported(store: Store<'audit'>, partition: string): Promise<string | undefined> {
  const { Item } = await store.document.send(
    new GetCommand({ TableName: store.tables.audit, Key: exportedKey(partition), ConsistentRead: true }),
  );
  return Item && z.object({ sequence: z.string() }).parse(Item).sequence;
}

export async function writeExported(
  store: Store<'audit'>,
  { partition, sequence }: ExportMark,
): Promise<void> {
  const Item = { ...exportedKey(partition), sequence };
  await store.document.send(new PutCommand({ TableName: store.tables.audit, Item }));
}
