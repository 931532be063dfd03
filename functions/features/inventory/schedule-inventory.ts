import { DRIVERS } from '../../drivers/registry.ts';
import type { Connection, DriverName } from '../../model/connection.ts';
import type { DriverMessage } from '../../platform/workflow/messages.ts';
import { dueWork } from './due-work.ts';

/**
 * Requests the verification of every connection in use, and of default networks that a user has set, with an inventory sync if the connection's inventory
 * is too old.
 *
 * @param send sends a message and returns true; returns false if the driver is no longer deployed
 * @returns number of messages that were sent
 */
export async function scheduleInventory(
  connections: readonly Connection[],
  nowMs: number,
  send: (driver: DriverName, message: DriverMessage) => Promise<boolean>,
): Promise<number> {
  let sent = 0;
  for (const connection of connections) {
    const { driver } = connection;
    for (const message of dueWork(connection, DRIVERS[driver].inventoryPollMinutes, nowMs)) {
      if (await send(driver, message)) sent += 1;
    }
  }
  return sent;
}
