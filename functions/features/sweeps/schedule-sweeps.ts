import type { Connection, DriverName } from '../../model/connection.ts';
import { connectionKey } from '../../model/identifiers.ts';
import type { SweepConnectionMessage } from '../../platform/workflow/messages.ts';

/**
 * Requests a sweep of every connection that is Ready or Disabled; a disabled one may still have machines. A connection
 * whose credential was rejected is swept again once it is verified.
 *
 * @returns number of connections
 */
export async function scheduleSweeps(
  connections: readonly Connection[],
  send: (driver: DriverName, message: SweepConnectionMessage) => Promise<void>,
): Promise<number> {
  const ready = connections.filter(({ status }) => status === 'Ready' || status === 'Disabled');
  for (const { driver, namespace, name } of ready) {
    const key = connectionKey(namespace, name);
    await send(driver, { kind: 'sweep-connection', connectionKey: key, dryRun: false });
  }
  return ready.length;
}
