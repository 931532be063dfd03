import type { Deletion } from '../../model/deletion.ts';
import { connectionKey } from '../../model/identifiers.ts';
import type { Logger as Log } from '../../platform/runtime/logger.ts';
import { deleteCredential } from '../../platform/secrets/stored-credentials.ts';
import { forgetAbandonedSecret, listAbandonedSecrets } from '../../platform/store/abandoned-secrets.ts';
import { allConnections, readConnectionOf } from '../../platform/store/connections.ts';
import { allNamespaces } from '../../platform/store/namespaces.ts';
import { clearCatalogue } from '../../platform/store/write-catalogue.ts';
import { deleteNamespace } from '../namespaces/delete-namespace.ts';
import { unshareConnection } from '../sharing/share-connection.ts';
import { type DeletionDeps, deleteConnection } from './delete-connection.ts';
import { isUnfinished } from './keep-credential.ts';

/**
 * Time after a deletion was requested, in ms. If the deletion is still under way after this time,
 * `finishChanges` continues it, because the API request has ended.
 */
const DELETION_MS = 2 * 60_000;
/**
 * Time after a connection was created, in ms. If the connection's secret is not stored by then, the API
 * request has ended, and `finishChanges` removes the connection.
 */
const REGISTRATION_MS = 10 * 60_000;
/**
 * Time after a connection was deleted, in ms. A secret that was sent before the deletion arrives within this
 * time. `finishChanges` removes the secret after this time.
 */
const LATE_SECRET_MS = 15 * 60_000;

export interface FinishedChanges {
  connections: number;
  shares: number;
  namespaces: number;
  secrets: number;
}

/**
 * Finishes changes that were interrupted because the process of an API request died. Continues interrupted
 * deletions, including deletions that can still be cancelled. Removes connections whose secret was never
 * stored, and secrets that arrived after the deletion of their connection. Ends shares whose end was forced, when nothing
 * of the other namespace is left. A schedule calls this.
 *
 * @returns number of connections, ends of shares, namespaces and secrets that were handled
 */
export async function finishChanges(deps: DeletionDeps & { log: Log }): Promise<FinishedChanges> {
  const { store, log } = deps;
  const nowMs = store.clock.now();
  const isLeft = (deletion: Deletion | undefined) =>
    deletion !== undefined && Date.parse(deletion.requestedAt) < nowMs - DELETION_MS;
  const each = async <Item>(items: Item[], work: (item: Item) => Promise<void>): Promise<number> => {
    for (const item of items) {
      // An error of one item must not delay the other items. The next run tries this item again.
      await work(item).catch((error: unknown) =>
        log.error('an interrupted change could not be finished', { error }),
      );
    }
    return items.length;
  };
  const connections = (await allConnections(store)).filter(
    (one) => isLeft(one.deletion) || isUnfinished(one, nowMs - REGISTRATION_MS),
  );
  const shares = (await allConnections(store)).flatMap(({ namespace, name, deletion, unsharing = [] }) =>
    unsharing
      .filter((one) => !deletion && (one.isForced || Date.parse(one.requestedAt) < nowMs - DELETION_MS))
      .map((one) => ({ namespace, name, target: one.namespace })),
  );
  const namespaces = (await allNamespaces(store)).filter(({ deletion }) => isLeft(deletion));
  const secrets = (await listAbandonedSecrets(store)).filter(
    ({ sinceMs }) => sinceMs < nowMs - LATE_SECRET_MS,
  );
  return {
    connections: await each(connections, async ({ namespace, name, deletion }) => {
      const terms = isLeft(deletion) ? {} : ({ unless: 'has-secret' } as const);
      const outcome = await deleteConnection(deps, namespace, name, terms);
      log.warn('an interrupted change of a connection was finished', {
        namespace,
        connection: name,
        outcome: typeof outcome === 'string' ? outcome : 'keptDisks' in outcome ? 'disks-kept' : 'in-use',
      });
    }),
    shares: await each(shares, async (share) => {
      const outcome = await unshareConnection(store, share);
      if (typeof outcome === 'object' && 'inUse' in outcome)
        log.warn('an interrupted end of a share was undone, because the connection is in use', { ...share });
    }),
    namespaces: await each(namespaces, async ({ name }) => {
      const outcome = await deleteNamespace(store, name);
      log.warn('an interrupted deletion of a namespace was finished', { namespace: name, outcome });
    }),
    secrets: await each(secrets, async (secret) => {
      await deleteCredential(deps.ssm, deps.secretsPrefix, secret);
      // An inventory sync that ran during the deletion may have written catalogue entries after the deletion
      // had cleared the catalogue.
      if (!(await readConnectionOf(store, secret))) await clearCatalogue(store, connectionKey(secret));
      await forgetAbandonedSecret(store, secret);
    }),
  };
}
