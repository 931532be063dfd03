import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { auditEntrySchema } from '../../model/audit-entry.ts';
import { type EntryFields, fitted } from './audit-items.ts';
import { DEPLOYMENT_LOG, type EntryRef, openKey, openPartitions, refOf } from './audit-keys.ts';
import { queryAll } from './listing.ts';
import type { Store } from './store.ts';

/** An act that has begun, and has no entry yet. */
export type OpenAct = EntryRef &
  Omit<EntryFields, 'result' | 'code' | 'data'> & { namespace?: string | undefined };

const itemSchema = auditEntrySchema
  .pick({ type: true, actor: true, target: true, requestId: true, source: true })
  .extend({ sk: z.string(), log: z.string() });

/** Notes that an act begins. Its entry follows when its result is known. */
export async function noteAct(store: Store<'audit'>, act: OpenAct): Promise<void> {
  const { at, id, namespace: log = DEPLOYMENT_LOG, ...fields } = act;
  const { result: _unknown, ...told } = fitted({ ...fields, result: 'unknown' });
  await store.document.send(
    new PutCommand({ TableName: store.tables.audit, Item: { ...openKey({ at, id }), log, ...told } }),
  );
}

/** Removes the note of an act. A second call changes nothing. */
export async function forgetAct(store: Store<'audit'>, ref: EntryRef): Promise<void> {
  await store.document.send(new DeleteCommand({ TableName: store.tables.audit, Key: openKey(ref) }));
}

/** Reads all acts that have begun and have no entry yet. There are as many as requests are answered at the moment. */
export async function readOpenActs(store: Store<'audit'>): Promise<OpenAct[]> {
  const partitions = openPartitions().map((pk) => ({ pk, prefix: '', consistent: true }));
  const found = await Promise.all(
    partitions.map((range) => queryAll(store, store.tables.audit, range, parseOpenAct)),
  );
  return found.flat();
}

function parseOpenAct(item: unknown): OpenAct {
  const { sk, log, ...fields } = itemSchema.parse(item);
  return { ...refOf(sk), ...(log === DEPLOYMENT_LOG ? {} : { namespace: log }), ...fields };
}
