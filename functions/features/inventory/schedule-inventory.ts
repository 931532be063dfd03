import { DRIVERS } from '../../drivers/registry.ts';
import type { Connection, DriverName } from '../../model/connection.ts';
import type { VerifyMessage } from '../../platform/workflow/messages.ts';
import { dueWork } from './due-work.ts';

/**
 * Has every connection that is in use verified, and its inventory synced where that is due.
 *
 * @param send answers whether the driver is deployed still; one of another driver is left alone
 * @returns how many messages were sent
 */
export async function scheduleInventory(
  connections: readonly Connection[],
  nowMs: number,
  send: (driver: DriverName, message: VerifyMessage) => Promise<boolean>,
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
