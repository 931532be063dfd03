import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { connectionKey } from '../../functions/model/identifiers.ts';
import type { Store } from '../../functions/platform/store/store.ts';

/** Takes a connection's record away as its deletion does in the end, without anything that comes before. */
export async function removeRecord(store: Store, namespace: string, name: string): Promise<void> {
  const Key = { pk: 'CONNECTIONS', sk: connectionKey(namespace, name) };
  await store.document.send(new DeleteCommand({ TableName: store.tables.access, Key }));
}
