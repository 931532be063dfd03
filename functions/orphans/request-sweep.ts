import type { Connection, DriverName } from '../model/connection.ts';
import { connectionKey, makeFleetId } from '../model/identifiers.ts';
import { isoTime } from '../runtime/clock.ts';
import type { Store } from '../store/client.ts';
import { createSweep } from '../store/sweeps.ts';
import type { SweepConnectionMessage } from '../workflow/messages.ts';

/**
 * Starts a sweep of some connections of a namespace. Its record is there before anybody writes to it.
 *
 * @returns its id
 */
export async function requestSweep(
  store: Store<'fleets'>,
  namespace: string,
  connections: readonly Connection[],
  dryRun: boolean,
  send: (driver: DriverName, message: SweepConnectionMessage) => Promise<void>,
): Promise<string> {
  const nowMs = store.clock.now();
  const sweepId = `s${makeFleetId(nowMs, store.random).slice(1)}`;
  await createSweep(store, {
    sweepId,
    namespace,
    connections: connections.map(({ name }) => name),
    dryRun,
    createdAt: isoTime(nowMs),
  });
  for (const { driver, name } of connections) {
    const key = connectionKey(namespace, name);
    await send(driver, { kind: 'sweep-connection', connectionKey: key, sweepId, dryRun });
  }
  return sweepId;
}
