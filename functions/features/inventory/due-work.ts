import type { Connection } from '../../model/connection.ts';
import { connectionKey } from '../../model/identifiers.ts';
import type { VerifyMessage } from '../../platform/workflow/messages.ts';

/** A schedule's interval is seldom met to the second. */
const TOLERANCE_MS = 60_000;

/**
 * What the schedule asks of a connection: to be verified, and to have its inventory read if that is older than its
 * driver wants it to be. One that failed after it had been verified is tried again; so is one that is to be verified,
 * and a rotation: the request may have died before its message was sent. One that failed and never was verified, or
 * that is disabled, waits for a user.
 */
export function dueWork(
  { status, rotation, namespace, name, credentialVersion, verifiedAt, inventorySyncedAt }: Connection,
  inventoryPollMinutes: number,
  nowMs: number,
): VerifyMessage[] {
  const message = { kind: 'verify' as const, connectionKey: connectionKey(namespace, name) };
  const dueAtMs = Date.parse(inventorySyncedAt ?? new Date(0).toISOString()) + inventoryPollMinutes * 60_000;
  const sync = nowMs + TOLERANCE_MS >= dueAtMs;
  const isDue = {
    Ready: true,
    Verifying: credentialVersion !== undefined,
    Failed: verifiedAt !== undefined,
    Disabled: false,
    Deleting: false,
  } satisfies Record<Connection['status'], boolean>;
  return [
    ...(isDue[status] ? [{ ...message, ...(sync ? {} : { sync }) }] : []),
    ...(rotation?.status === 'Verifying' ? [{ ...message, rotation: rotation.version }] : []),
  ];
}
