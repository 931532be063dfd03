import { hasConnections } from '../../platform/store/connections.ts';
import { hasLiveFleets } from '../../platform/store/live-fleets.ts';
import { markNamespace, removeNamespace, unmarkNamespace } from '../../platform/store/namespaces.ts';
import type { Store } from '../../platform/store/store.ts';

const TRIES = 5;

/**
 * Deletes a namespace that has neither connections nor live fleets. Marks the namespace first: while it is
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
    const isEmpty = !(await hasConnections(store, namespace)) && !(await hasLiveFleets(store, namespace));
    if (isEmpty && (await removeNamespace(store, namespace, deletion))) return 'deleted';
    if (!isEmpty && (await unmarkNamespace(store, namespace, deletion))) return 'not-empty';
  }
  throw new Error(
    `namespace ${namespace} was not deleted: other requests changed it ${TRIES} times in a row`,
  );
}
