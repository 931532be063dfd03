import { sharedConnections } from '../../platform/store/connection-shares.ts';
import { hasConnections } from '../../platform/store/connections.ts';
import { hasLiveFleets } from '../../platform/store/live-fleets.ts';
import { markNamespace, removeNamespace, unmarkNamespace } from '../../platform/store/namespaces.ts';
import type { Store } from '../../platform/store/store.ts';
import { usersOf } from '../sharing/other-users.ts';
import { unshareConnection } from '../sharing/share-connection.ts';

const TRIES = 5;

/**
 * Ends what other namespaces share with a namespace. After that, no fleet of the namespace is accepted, because it has no
 * connection. @returns false if the namespace has fleets or kept disks on a shared connection
 */
async function endShares(store: Store<'access' | 'fleets'>, namespace: string): Promise<boolean> {
  for (const { namespace: owner, name } of await sharedConnections(store, namespace)) {
    const outcome = await unshareConnection(store, { namespace: owner, name, target: namespace });
    if (outcome === 'being-deleted') return false;
    if (typeof outcome === 'string') continue;
    if ('inUse' in outcome || usersOf(outcome.connection).includes(namespace)) return false;
  }
  return !(await hasLiveFleets(store, namespace));
}

/**
 * Deletes a namespace that has neither connections nor live fleets, and ends what others share with it. Marks the namespace first: while it is
 * marked, no fleet or connection can be created in it. If the process dies before the namespace is deleted,
 * another call continues the deletion.
 */
export async function deleteNamespace(
  store: Store<'access' | 'fleets'>,
  namespace: string,
): Promise<'deleted' | 'not-found' | 'not-empty'> {
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const deletion = await markNamespace(store, namespace);
    // If an earlier attempt of this call found the namespace, another request has deleted the namespace in
    // the meantime.
    if (!deletion) return attempt === 1 ? 'not-found' : 'deleted';
    const isEmpty =
      !(await hasConnections(store, namespace)) &&
      !(await hasLiveFleets(store, namespace)) &&
      (await endShares(store, namespace));
    if (isEmpty && (await removeNamespace(store, namespace, deletion))) return 'deleted';
    if (!isEmpty && (await unmarkNamespace(store, namespace, deletion))) return 'not-empty';
  }
  throw new Error(
    `namespace ${namespace} was not deleted: other requests changed it ${TRIES} times in a row`,
  );
}
