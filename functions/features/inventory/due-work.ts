import type { Connection } from '../../model/connection.ts';
import { connectionKey } from '../../model/identifiers.ts';
import type { VerifyMessage, VerifyNetworkMessage } from '../../platform/workflow/messages.ts';

/** Tolerance for a schedule that runs a little early, in ms. */
const TOLERANCE_MS = 60_000;

/**
 * Returns the messages that the schedule has to send for a connection. The messages request a verification,
 * and an inventory sync if the inventory is older than the driver's interval.
 *
 * A failed connection is verified again if it was verified before. For a connection in Verifying, for a rotation
 * and for another default network, the message is sent again. The process that handled the API request may have died before
 * it sent the message. No message is sent for a disabled connection or a failed connection that was never
 * verified: a user has to act first.
 */
export function dueWork(
  connection: Connection,
  inventoryPollMinutes: number,
  nowMs: number,
): (VerifyMessage | VerifyNetworkMessage)[] {
  const { status, rotation, networkChange, credentialVersion, verifiedAt, inventorySyncedAt } = connection;
  const message = { kind: 'verify' as const, connectionKey: connectionKey(connection) };
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
    ...(networkChange?.status === 'Verifying'
      ? [{ ...message, kind: 'verify-network' as const, changeId: networkChange.id }]
      : []),
  ];
}
