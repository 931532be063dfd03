import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { connectionKey } from '../../functions/model/identifiers.ts';
import type { Store } from '../../functions/platform/store/store.ts';

/** Deletes a connection's record, as the last step of a deletion does. Performs none of the earlier steps. */
export async function removeRecord(store: Store, namespace: string, name: string): Promise<void> {
  const Key = { pk: 'CONNECTIONS', sk: connectionKey(namespace, name) };
  await store.document.send(new DeleteCommand({ TableName: store.tables.access, Key }));
}
