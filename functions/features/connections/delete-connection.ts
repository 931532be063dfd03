import type { SSMClient } from '@aws-sdk/client-ssm';
import { connectionKey } from '../../model/identifiers.ts';
import { deleteCredential } from '../../platform/secrets/stored-credentials.ts';
import {
  type DeletingConnection,
  decideConnection,
  markConnection,
  removeConnection,
  unmarkConnection,
} from '../../platform/store/connection-deletion.ts';
import { forgetShare } from '../../platform/store/connection-shares.ts';
import { readConnection } from '../../platform/store/connections.ts';
import { hasLiveFleets } from '../../platform/store/live-fleets.ts';
import { readShared } from '../../platform/store/shared-networks.ts';
import type { Store } from '../../platform/store/store.ts';
import { forgetVolumes, readVolumes, type VolumeItem } from '../../platform/store/volumes.ts';
import { clearCatalogue } from '../../platform/store/write-catalogue.ts';
import { type OthersUse, useBy, usersOf } from '../sharing/other-users.ts';
import { forgetReservations } from '../sharing/share-connection.ts';

export interface DeletionDeps {
  store: Store<'access' | 'fleets' | 'catalogue'>;
  ssm: SSMClient;
  secretsPrefix: string;
  /**
   * Asks a worker to remove this deployment's mark from the cloud account. The mark tells other deployments
   * that this deployment uses the account. If this function is absent, the mark stays and expires after a
   * day.
   */
  leave?(connection: DeletingConnection): Promise<'asked' | 'not-needed'>;
  /**
   * Asks a worker to remove the shared network resources that no fleet uses at a location, without a grace period. If
   * this function is absent, a connection with such resources is not deleted.
   */
  removeUnused?(connection: DeletingConnection, location: string): Promise<void>;
}

const TRIES = 5;
/**
 * Maximum time, in ms, that the deletion waits for a worker to remove the deployment's mark. After this time,
 * the deletion continues.
 */
const LONGEST_LEAVING_MS = 5_000;
const BETWEEN_LOOKS_MS = 200;
/**
 * Maximum time, in ms, that the deletion waits until a worker has removed the connection's shared network resources.
 * After this time, the connection is kept, and the removal goes on.
 */
const LONGEST_REMOVAL_MS = 12_000;

export interface DeletionTerms {
  /** `has-secret`: the connection is kept if its secret has been stored. */
  unless?: 'has-secret';
  /** True: the records of kept disks are deleted with the connection. The disks stay at the cloud. */
  forgetDisks?: boolean;
}

/** What came of a deletion. With `keptDisks`, nothing was deleted: disks of the connection are kept, and cost money. */
export type DeletionOutcome =
  | 'deleted'
  | 'not-found'
  | 'in-use'
  | 'networks-standing'
  /** What other namespaces have on the connection. */
  | { usedByOthers: OthersUse }
  | { keptDisks: VolumeItem[] };

/**
 * Deletes a connection that no live fleet uses, of its own namespace or of one that it is shared with. Writes a deletion mark to the connection's record first:
 * while the record has this mark, no fleet is accepted on the connection. If live fleets use the connection,
 * removes the deletion mark and deletes nothing. The same holds if disks are kept, or if shared network resources of the
 * connection are left: without the connection, users would not see the disks, and workers could not remove the
 * resources. If the process dies during a deletion, a later call continues the deletion.
 */
export async function deleteConnection(
  deps: DeletionDeps,
  namespace: string,
  name: string,
  terms: DeletionTerms = {},
): Promise<DeletionOutcome> {
  const { store } = deps;
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const known = await readConnection(store, namespace, name);
    // At an earlier attempt of this call, the connection existed. Another request has deleted the connection
    // since.
    if (!known) return attempt === 1 ? 'not-found' : 'deleted';
    const marked = await markConnection(store, known);
    if (!marked) continue;
    const obstacle = await findObstacle(deps, marked, terms);
    if (obstacle) {
      if (await unmarkConnection(store, marked)) return obstacle;
    } else if (marked.deletion.isDecided || (await decideConnection(store, marked, terms.unless))) {
      await finishDeletion(deps, marked);
      return 'deleted';
    }
  }
  throw new Error(
    `connection ${namespace}/${name} was not deleted: other requests changed it ${TRIES} times in a row`,
  );
}

/**
 * Returns what keeps a marked connection from being deleted. A decided deletion goes on in any case.
 *
 * The disks are read after the mark. A worker that records a kept disk later takes the mark away, and the deletion is
 * then not decided.
 */
async function findObstacle(
  deps: DeletionDeps,
  marked: DeletingConnection,
  { unless, forgetDisks = false }: DeletionTerms,
): Promise<Exclude<DeletionOutcome, 'deleted' | 'not-found'> | undefined> {
  const { store } = deps;
  const { namespace, name, credentialVersion, deletion } = marked;
  if (unless === 'has-secret' && credentialVersion !== undefined) return 'in-use';
  if (deletion.isDecided) return undefined;
  if (await hasLiveFleets(store, namespace, name)) return 'in-use';
  const usedByOthers = await countOthersUse(store, marked, forgetDisks);
  if (usedByOthers) return { usedByOthers };
  const keptDisks = forgetDisks ? [] : await readVolumes(store, connectionKey(marked));
  if (keptDisks.length > 0) return { keptDisks };
  return (await hasNetworks(deps, marked)) ? 'networks-standing' : undefined;
}

/**
 * Counts what other namespaces have on a connection that is shared with them. No fleet of theirs is accepted any more, as
 * the connection is marked. @returns undefined if they have nothing
 */
async function countOthersUse(
  store: Store<'fleets'>,
  connection: DeletingConnection,
  forgetDisks: boolean,
): Promise<OthersUse | undefined> {
  const [, ...others] = usersOf(connection);
  const uses = await Promise.all(others.map((user) => useBy(store, connection, user)));
  const fleets = uses.reduce((sum, use) => sum + use.fleets, 0);
  const disks = forgetDisks ? 0 : uses.reduce((sum, use) => sum + use.disks, 0);
  return fleets + disks > 0 ? { fleets, disks } : undefined;
}

/**
 * Has the connection's shared network resources removed, and waits a limited time for that. No fleet can join them any
 * more, because no fleet is accepted on a marked connection.
 *
 * @returns true if some are left
 */
async function hasNetworks(
  { store, removeUnused }: DeletionDeps,
  connection: DeletingConnection,
): Promise<boolean> {
  const read = () => readShared(store, { connectionKey: connectionKey(connection) });
  const locations = new Set((await read()).map(({ location }) => location));
  if (locations.size === 0) return false;
  if (!removeUnused) return true;
  for (const location of locations) await removeUnused(connection, location);
  const untilMs = store.clock.now() + LONGEST_REMOVAL_MS;
  while (store.clock.now() < untilMs) {
    await store.clock.sleep(BETWEEN_LOOKS_MS);
    if ((await read()).length === 0) return false;
  }
  return true;
}

/**
 * Removes everything that belongs to a connection whose deletion can no longer be cancelled. Each step can be
 * repeated. The record is removed last, because the record names everything else that has to be removed.
 */
async function finishDeletion(deps: DeletionDeps, connection: DeletingConnection): Promise<void> {
  const { store, ssm, secretsPrefix } = deps;
  await leaveAccount(deps, connection);
  await deleteCredential(ssm, secretsPrefix, connection);
  await clearCatalogue(store, connectionKey(connection));
  for (const user of usersOf(connection)) await forgetReservations(store, connection, user);
  await forgetVolumes(store, connection);
  for (const user of usersOf(connection).slice(1)) await forgetShare(store, connection, user);
  await removeConnection(store, connection);
}

/**
 * Asks a worker to remove this deployment's mark from the account, and waits a limited time for the worker.
 * The worker needs the secret. Therefore the secret is deleted after this step.
 */
async function leaveAccount({ store, leave }: DeletionDeps, connection: DeletingConnection): Promise<void> {
  if (connection.deletion.hasLeft || (await leave?.(connection)) !== 'asked') return;
  const untilMs = store.clock.now() + LONGEST_LEAVING_MS;
  while (store.clock.now() < untilMs) {
    await store.clock.sleep(BETWEEN_LOOKS_MS);
    const now = await readConnection(store, connection.namespace, connection.name);
    if (now?.deletion?.id !== connection.deletion.id || now.deletion.hasLeft) return;
  }
}
