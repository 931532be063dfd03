import { createHash } from 'node:crypto';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { AUDIT_DAYS, type AuditEntry } from '../../model/audit-entry.ts';
import { type EntryFields, fitted } from './audit-items.ts';
import { DEPLOYMENT_LOG, entryKey, logKey } from './audit-keys.ts';
import type { Store } from './store.ts';

const DAY_SECONDS = 86_400;
const KEPT_SECONDS = AUDIT_DAYS * DAY_SECONDS;
/** Time by which the note of a log outlasts the entry that it was written for. It is written again after that time. */
const NOTED_SECONDS = 60 * DAY_SECONDS;

/** Returns the time at which an entry expires, in seconds since 1970. */
const expiryOf = (at: string): number => Math.floor(Date.parse(at) / 1_000) + KEPT_SECONDS;

/**
 * Returns the id of an entry about an act that a process may repeat. The same parts give the same id, so that an act that is
 * repeated with the same `at` has one entry.
 */
export function idOfAct(...parts: readonly (string | number)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 20);
}

/**
 * Appends an entry to the log of its namespace, or of the deployment. Changes nothing if the log has an entry with this time
 * and id: the first one stands. This is one write unit.
 */
export async function appendAudit(store: Store<'audit'>, entry: AuditEntry): Promise<void> {
  const { id, at, namespace: log = DEPLOYMENT_LOG, ...fields } = entry;
  await noteLog(store, log, expiryOf(at));
  await putOnce(store, {
    ...entryKey(log, { at, id }),
    ...fitted(fields satisfies EntryFields),
    expiresAt: expiryOf(at),
  });
}

/**
 * Notes that a log has entries, so that a list of all logs finds it, also when its namespace no longer exists. A log is noted
 * before its first entry is written.
 */
async function noteLog(store: Store<'audit'>, log: string, entryExpiresAt: number): Promise<void> {
  const TableName = store.tables.audit;
  const { Item } = await store.document.send(new GetCommand({ TableName, Key: logKey(log) }));
  const noted = z.object({ expiresAt: z.number() }).safeParse(Item).data;
  if (noted && noted.expiresAt >= entryExpiresAt) return;
  const expiresAt = entryExpiresAt + NOTED_SECONDS;
  await store.document.send(new PutCommand({ TableName, Item: { ...logKey(log), expiresAt } }));
}

async function putOnce(store: Store<'audit'>, Item: Record<string, unknown>): Promise<void> {
  try {
    await store.document.send(
      new PutCommand({
        TableName: store.tables.audit,
        Item,
        ConditionExpression: 'attribute_not_exists(pk)',
      }),
    );
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  }
}
