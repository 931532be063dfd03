import type { Connection, DriverName } from '../../model/connection.ts';
import { connectionKey as connectionKeyOf } from '../../model/identifiers.ts';
import type { Network } from '../../model/network.ts';
import { isHead, namespaceOf, readShared } from '../../platform/store/shared-networks.ts';
import type { Store } from '../../platform/store/store.ts';
import type { DriverMessage } from '../../platform/workflow/messages.ts';
import { sharedView } from './network-view.ts';

/**
 * Asks workers to remove the shared network resources that no fleet uses, without their grace time, and to try again
 * what a cloud has refused to remove.
 *
 * @returns the networks among them, without those that other namespaces have on the connections
 */
export async function requestRemoval(
  store: Store<'fleets'>,
  connections: readonly Connection[],
  location: string | undefined,
  send: (driver: DriverName, message: DriverMessage) => Promise<void>,
): Promise<Network[]> {
  const nowMs = store.clock.now();
  const removing: Network[] = [];
  for (const connection of connections) {
    const connectionKey = connectionKeyOf(connection);
    const items = await readShared(store, { connectionKey });
    const unused = items.filter(
      (item) => item.location === (location ?? item.location) && (!isHead(item) || item.users === 0),
    );
    for (const at of new Set(unused.map((item) => item.location)))
      await send(connection.driver, {
        kind: 'remove-unused',
        connectionKey,
        location: at,
        dueAtMs: nowMs,
        graceMs: 0,
        askedAtMs: nowMs,
      });
    const networks = unused.filter(
      (item) => item.kind === 'network' && namespaceOf(item) === connection.namespace,
    );
    removing.push(...networks.map((one) => ({ ...sharedView(one), cloud: connection.cloud })));
  }
  return removing;
}
