import type { Connection } from '../model/connection.ts';
import { connectionKey } from '../model/identifiers.ts';
import type { VerifyMessage } from '../workflow/messages.ts';

/** A schedule's interval is seldom met to the second. */
const TOLERANCE_MS = 60_000;

/**
 * What the schedule asks of a connection: to be verified, and to have its inventory read if that is older than its
 * driver wants it to be. One that failed after it had been verified is tried again; one that never was, or that is
 * disabled, waits for a user.
 */
export function dueWork(
  { status, namespace, name, verifiedAt, inventorySyncedAt }: Connection,
  inventoryPollMinutes: number,
  nowMs: number,
): VerifyMessage | undefined {
  if (status !== 'Ready' && (status !== 'Failed' || verifiedAt === undefined)) return undefined;
  const dueAtMs = Date.parse(inventorySyncedAt ?? new Date(0).toISOString()) + inventoryPollMinutes * 60_000;
  const sync = nowMs + TOLERANCE_MS >= dueAtMs;
  return { kind: 'verify', connectionKey: connectionKey(namespace, name), ...(sync ? {} : { sync }) };
}
