import type { Connection, DriverName } from '../../model/connection.ts';
import { connectionKey } from '../../model/identifiers.ts';
import type { SweepConnectionMessage } from '../../platform/workflow/messages.ts';

/**
 * Has every connection swept whose cloud answers it; a disabled one may have machines still. One whose credential is
 * refused is swept again when it is verified.
 *
 * @returns how many
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
