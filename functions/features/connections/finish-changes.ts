import type { Deletion } from '../../model/deletion.ts';
import { connectionKey } from '../../model/identifiers.ts';
import type { Logger as Log } from '../../platform/runtime/logger.ts';
import { deleteCredential } from '../../platform/secrets/stored-credentials.ts';
import { forgetAbandonedSecret, listAbandonedSecrets } from '../../platform/store/abandoned-secrets.ts';
import { allConnections, readConnection } from '../../platform/store/connections.ts';
import { allNamespaces } from '../../platform/store/namespaces.ts';
import { clearCatalogue } from '../../platform/store/write-catalogue.ts';
import { deleteNamespace } from '../namespaces/delete-namespace.ts';
import { type DeletionDeps, deleteConnection } from './delete-connection.ts';
import { isUnfinished } from './keep-credential.ts';

/** After this time, no request still works on a deletion. */
const DELETION_MS = 2 * 60_000;
/** After this time, no request stores the secret of a new connection any more. */
const REGISTRATION_MS = 10 * 60_000;
/** After this time, no secret that was sent before the connection's deletion can still arrive. */
const LATE_SECRET_MS = 15 * 60_000;

export interface FinishedChanges {
  connections: number;
  namespaces: number;
  secrets: number;
}

/**
 * Runs by schedule. Finishes changes whose requests died: undecided deletions are decided again, decided ones continue.
 * Connections whose secret was never stored are removed, as are secrets that arrived after their connection's deletion.
 *
 * @returns how many of each were handled
 */
export async function finishChanges(deps: DeletionDeps & { log: Log }): Promise<FinishedChanges> {
  const { store, log } = deps;
  const nowMs = store.clock.now();
  const isLeft = (deletion: Deletion | undefined) =>
    deletion !== undefined && Date.parse(deletion.requestedAt) < nowMs - DELETION_MS;
  const each = async <Item>(items: Item[], work: (item: Item) => Promise<void>): Promise<number> => {
    for (const item of items) {
      // An error of one item must not delay the others. The next run tries it again.
      await work(item).catch((error: unknown) =>
        log.error('a change that was interrupted could not be finished', { error }),
      );
    }
    return items.length;
  };
  const connections = (await allConnections(store)).filter(
    (one) => isLeft(one.deletion) || isUnfinished(one, nowMs - REGISTRATION_MS),
  );
  const namespaces = (await allNamespaces(store)).filter(({ deletion }) => isLeft(deletion));
  const secrets = (await listAbandonedSecrets(store)).filter(
    ({ sinceMs }) => sinceMs < nowMs - LATE_SECRET_MS,
  );
  return {
    connections: await each(connections, async ({ namespace, name, deletion }) => {
      const unless = isLeft(deletion) ? undefined : 'has-secret';
      const outcome = await deleteConnection(deps, namespace, name, unless);
      log.warn('a change of a connection that was interrupted is finished', {
        namespace,
        connection: name,
        outcome,
      });
    }),
    namespaces: await each(namespaces, async ({ name }) => {
      const outcome = await deleteNamespace(store, name);
      log.warn('the deletion of a namespace that was interrupted is finished', { namespace: name, outcome });
    }),
    secrets: await each(secrets, async (secret) => {
      const { namespace, name } = secret;
      await deleteCredential(deps.ssm, deps.secretsPrefix, secret);
      // An inventory sync that ran during the deletion may have written the catalogue after it.
      if (!(await readConnection(store, namespace, name)))
        await clearCatalogue(store, connectionKey(namespace, name));
      await forgetAbandonedSecret(store, secret);
    }),
  };
}
