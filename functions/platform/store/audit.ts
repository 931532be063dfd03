import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { auditKey } from './keys.ts';
import type { Store } from './store.ts';

/** Something that happened and that somebody may have to answer for. */
export interface AuditRow {
  namespace: string;
  /** ISO 8601. */
  at: string;
  /** With `at`, the same for each writing of the same row. */
  id: string;
  type: string;
  detail: Readonly<Record<string, unknown>>;
}

const KEPT_SECONDS = 400 * 86_400;

/** Writes a row; the same one twice is one. */
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
