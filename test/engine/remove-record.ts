import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { connectionPartition, readConnection } from '../../functions/platform/store/connections.ts';
import type { Store } from '../../functions/platform/store/store.ts';

/** Deletes a connection's record, as the last step of a deletion does. Performs none of the earlier steps. */
export async function removeRecord(store: Store, namespace: string, name: string): Promise<void> {
  const connection = await readConnection(store, namespace, name);
  if (!connection) throw new Error(`there is no connection ${name} in namespace ${namespace}`);
  const Key = { pk: connectionPartition(connection.driver), sk: `${namespace}/${name}` };
  await store.document.send(new DeleteCommand({ TableName: store.tables.access, Key }));
}
