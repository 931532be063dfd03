import type { SSMClient } from '@aws-sdk/client-ssm';
import { connectionKey } from '../../model/identifiers.ts';
import { deleteCredential } from '../../platform/secrets/stored-credentials.ts';
import {
  type DeletingConnection,
  decideConnection,
  markConnection,
  readConnection,
  removeConnection,
  unmarkConnection,
} from '../../platform/store/connections.ts';
import { hasLiveFleets } from '../../platform/store/live-fleets.ts';
import type { Store } from '../../platform/store/store.ts';
import { clearCatalogue } from '../../platform/store/write-catalogue.ts';

export interface DeletionDeps {
  store: Store<'access' | 'fleets' | 'catalogue'>;
  ssm: SSMClient;
  secretsPrefix: string;
  /** Asks a worker to remove this deployment's mark from the account; absent: the mark is left, and is over after a day. */
  leave?(connection: DeletingConnection): Promise<'asked' | 'not-needed'>;
}

const TRIES = 5;
/** So long a worker may take to remove the mark. */
const LONGEST_LEAVING_MS = 5_000;
const BETWEEN_LOOKS_MS = 200;

/**
 * Deletes a connection that no live fleet uses. It is marked first, so that no fleet is accepted on it while its fleets
 * are looked at; the mark is taken back where there are any. A deletion whose process died is taken up where it was
 * left.
 *
 * @param unless `has-secret`: leaves a connection alone whose secret has been kept
 */
export async function deleteConnection(
  deps: DeletionDeps,
  namespace: string,
  name: string,
  unless?: 'has-secret',
): Promise<'deleted' | 'not-found' | 'in-use'> {
  const { store } = deps;
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const marked = await markConnection(store, namespace, name);
    // Another request was quicker to remove what this one had marked.
    if (!marked) return attempt === 1 ? 'not-found' : 'deleted';
    const { isDecided } = marked.deletion;
    const isInUse =
      (!isDecided && (await hasLiveFleets(store, namespace, name))) ||
      (unless === 'has-secret' && marked.credentialVersion !== undefined);
    if (isInUse) {
      if (await unmarkConnection(store, marked)) return 'in-use';
    } else if (isDecided || (await decideConnection(store, marked, unless))) {
      await finishDeletion(deps, marked);
      return 'deleted';
    }
  }
  throw new Error(`connection ${namespace}/${name} changed ${TRIES} times while it was deleted`);
}

/** What follows from the decision, and may be done any number of times. The record goes last: it names the rest. */
async function finishDeletion(deps: DeletionDeps, connection: DeletingConnection): Promise<void> {
  const { store, ssm, secretsPrefix } = deps;
  await leaveAccount(deps, connection);
  await deleteCredential(ssm, secretsPrefix, connection);
  await clearCatalogue(store, connectionKey(connection.namespace, connection.name));
  await removeConnection(store, connection);
}

/** A worker needs the secret for that, so it goes first; but no deletion waits for a cloud for long. */
async function leaveAccount({ store, leave }: DeletionDeps, connection: DeletingConnection): Promise<void> {
  if (connection.deletion.hasLeft || (await leave?.(connection)) !== 'asked') return;
  const untilMs = store.clock.now() + LONGEST_LEAVING_MS;
  while (store.clock.now() < untilMs) {
    await store.clock.sleep(BETWEEN_LOOKS_MS);
    const now = await readConnection(store, connection.namespace, connection.name);
    if (now?.deletion?.id !== connection.deletion.id || now.deletion.hasLeft) return;
  }
}
