import type { Connection, DriverName } from '../../model/connection.ts';
import { connectionKey, makeFleetId } from '../../model/identifiers.ts';
import { isoTime } from '../../platform/runtime/clock.ts';
import type { Store } from '../../platform/store/store.ts';
import { createSweep } from '../../platform/store/sweeps.ts';
import type { SweepConnectionMessage } from '../../platform/workflow/messages.ts';

/**
 * Starts a sweep of some connections of a namespace. Writes the sweep's record before it sends the messages,
 * because the messages refer to the record.
 *
 * @returns the sweep's id; undefined if the namespace no longer exists
 */
export async function requestSweep(
  store: Store<'fleets' | 'access'>,
  namespace: string,
  connections: readonly Connection[],
  dryRun: boolean,
  send: (driver: DriverName, message: SweepConnectionMessage) => Promise<void>,
): Promise<string | undefined> {
  const nowMs = store.clock.now();
  const sweepId = `s${makeFleetId(nowMs, store.random).slice(1)}`;
  const isMade = await createSweep(store, {
    sweepId,
    namespace,
    connections: connections.map(({ name }) => name),
    dryRun,
    createdAt: isoTime(nowMs),
  });
  if (!isMade) return undefined;
  for (const connection of connections) {
    const key = connectionKey(connection);
    await send(connection.driver, { kind: 'sweep-connection', connectionKey: key, sweepId, dryRun });
  }
  return sweepId;
}
