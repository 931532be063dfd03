import type { Connection } from '../../model/connection.ts';
import { connectionKey } from '../../model/identifiers.ts';
import type { VerifyMessage } from '../../platform/workflow/messages.ts';

/** Tolerance for a schedule that runs a little early. */
const TOLERANCE_MS = 60_000;

/**
 * Returns what the schedule has to do for a connection: a verification, with an inventory sync if the inventory is
 * older than its driver's interval.
 *
 * A connection that failed after it was verified once is tried again. The message of a connection in Verifying, or of a
 * rotation, is sent again, because the request may have died before it sent it. A connection that failed without ever
 * being verified, or that is disabled, waits for a user.
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
