import type { Connection, DriverName } from '../../model/connection.ts';
import { connectionKey } from '../../model/identifiers.ts';
import type { SweepConnectionMessage } from '../../platform/workflow/messages.ts';

/**
 * Requests a sweep of every connection that is Ready or Disabled. A disabled connection may still have
 * machines. Connections with a rejected credential are skipped until they are verified again.
 *
 * @returns number of connections to sweep
 */
export async function scheduleSweeps(
  connections: readonly Connection[],
  send: (driver: DriverName, message: SweepConnectionMessage) => Promise<void>,
): Promise<number> {
  const ready = connections.filter(({ status }) => status === 'Ready' || status === 'Disabled');
  for (const connection of ready) {
    const key = connectionKey(connection);
    await send(connection.driver, { kind: 'sweep-connection', connectionKey: key, dryRun: false });
  }
  return ready.length;
}
