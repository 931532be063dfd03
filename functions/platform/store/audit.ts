import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { auditKey } from './keys.ts';
import type { Store } from './store.ts';

/** One event of the audit log. */
export interface AuditRow {
  namespace: string;
  /** ISO 8601. */
  at: string;
  /** Identifies the row together with `at`. A row that is written twice has the same `id` and `at` both times. */
  id: string;
  type: string;
  detail: Readonly<Record<string, unknown>>;
}

const KEPT_SECONDS = 400 * 86_400;

/** Writes a row. Writing the same row again changes nothing. */
export async function writeAudit(store: Store<'fleets'>, row: AuditRow): Promise<void> {
  await store.document.send(
    new PutCommand({
      TableName: store.tables.fleets,
      Item: {
        ...auditKey(row),
        ...row,
        expiresAt: Math.floor(Date.parse(row.at) / 1_000) + KEPT_SECONDS,
      },
    }),
  );
}
