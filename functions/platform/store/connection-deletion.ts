import { type Connection, connectionSchema } from '../../model/connection.ts';
import type { Deletion } from '../../model/deletion.ts';
import { type ConnectionRef, makeId } from '../../model/identifiers.ts';
import { abandonedSecret } from './abandoned-secrets.ts';
import { keyOfConnection } from './connections.ts';
import { decideDeletion, markDeleting, noteInDeletion, takeBackDeletion } from './deletion-marks.ts';
import type { Store } from './store.ts';
import { type TransactItem, transactWrite } from './transact.ts';

/** A connection whose deletion is under way. */
export type DeletingConnection = Connection & { deletion: Deletion };

/**
 * Marks a connection for deletion. From then on, no fleet is accepted on it. @returns undefined if there is no such
 * connection
 */
export async function markConnection(
  store: Store<'access'>,
  ref: ConnectionRef,
): Promise<DeletingConnection | undefined> {
  const id = makeId(store.clock.now(), store.random);
  const marked = await markDeleting(store, keyOfConnection(ref), id);
  return marked && { ...connectionSchema.parse(marked.item), deletion: marked.deletion };
}

/** Removes a deletion mark. @returns false if the deletion has been decided, or another caller has removed the mark */
export async function unmarkConnection(
  store: Store<'access'>,
  connection: DeletingConnection,
): Promise<boolean> {
  return await takeBackDeletion(store, keyOfConnection(connection), connection.deletion);
}

/**
 * Decides a marked deletion. From then on, it cannot be undone.
 *
 * @param unless `has-secret`: the deletion is decided only if the connection's secret was never stored
 * @returns false if the mark or the record does not exist any more, or `unless` forbids the deletion
 */
export async function decideConnection(
  store: Store<'access'>,
  connection: DeletingConnection,
  unless?: 'has-secret',
): Promise<boolean> {
  const field = unless === undefined ? undefined : 'credentialVersion';
  return await decideDeletion(store, keyOfConnection(connection), connection.deletion, field);
}

/** Returns a condition check for a transaction: this deletion of the connection is decided, and not finished. */
export function deletionIsDecided(
  store: Pick<Store<'access'>, 'tables'>,
  connection: DeletingConnection,
): TransactItem {
  return {
    ConditionCheck: {
      TableName: store.tables.access,
      Key: keyOfConnection(connection),
      ...isDecidedAs(connection),
    },
  };
}

const isDecidedAs = ({ deletion }: DeletingConnection) => ({
  ConditionExpression: 'deletion.id = :id AND deletion.isDecided = :true',
  ExpressionAttributeValues: { ':id': deletion.id, ':true': true },
});

/**
 * Records, for a connection that is being deleted, that a worker has removed this deployment's mark from the cloud
 * account, or has failed to remove it.
 */
export async function noteLeft(store: Store<'access'>, connection: DeletingConnection): Promise<void> {
  await noteInDeletion(store, keyOfConnection(connection), connection.deletion, 'hasLeft');
}

/**
 * Removes the connection's record, if its deletion is decided. The same transaction records that a late request may
 * still store the connection's secret (`abandonedSecret`). A repeated call changes nothing.
 */
export async function removeConnection(
  store: Store<'access'>,
  connection: DeletingConnection,
): Promise<void> {
  await transactWrite(store, [
    {
      Delete: {
        TableName: store.tables.access,
        Key: keyOfConnection(connection),
        ...isDecidedAs(connection),
      },
    },
    { Put: abandonedSecret(store, connection) },
  ]);
}
