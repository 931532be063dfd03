import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { type Connection, connectionSchema } from '../model/connection.ts';
import { connectionKey } from '../model/identifiers.ts';
import type { Store } from './client.ts';
import { type Page, type PageRequest, queryAll, queryPage } from './listing.ts';

/**
 * Connections stand in one partition of the access table, sorted by namespace and name: each namespace reads its own
 * part, and the schedules read all.
 */
const PARTITION = 'CONNECTIONS';

const keyOf = (namespace: string, name: string) => ({ pk: PARTITION, sk: connectionKey(namespace, name) });

export async function createConnection(
  store: Store<'access'>,
  connection: Connection,
): Promise<'created' | 'exists'> {
  try {
    await store.document.send(
      new PutCommand({
        TableName: store.tables.access,
        Item: { ...keyOf(connection.namespace, connection.name), ...connection },
        ConditionExpression: 'attribute_not_exists(pk)',
      }),
    );
    return 'created';
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return 'exists';
    throw error;
  }
}

export async function readConnection(
  store: Store<'access'>,
  namespace: string,
  name: string,
): Promise<Connection | undefined> {
  const { Item } = await store.document.send(
    new GetCommand({ TableName: store.tables.access, Key: keyOf(namespace, name), ConsistentRead: true }),
  );
  return Item ? connectionSchema.parse(Item) : undefined;
}

export async function listConnections(
  store: Store<'access'>,
  namespace: string,
  page: PageRequest,
): Promise<Page<Connection>> {
  const keys = { pk: PARTITION, prefix: connectionKey(namespace, '') };
  return await queryPage(store, store.tables.access, keys, page, (item) => connectionSchema.parse(item));
}

/** The connections of every namespace, for the schedules. */
export async function allConnections(store: Store<'access'>): Promise<Connection[]> {
  return await queryAll(store, store.tables.access, { pk: PARTITION, prefix: '' }, (item) =>
    connectionSchema.parse(item),
  );
}

export async function deleteConnection(
  store: Store<'access'>,
  namespace: string,
  name: string,
): Promise<void> {
  await store.document.send(
    new DeleteCommand({ TableName: store.tables.access, Key: keyOf(namespace, name) }),
  );
}

export type ConnectionUpdate = Partial<
  Pick<Connection, 'status' | 'failure' | 'verifiedAt' | 'inventorySyncedAt' | 'limits' | 'orphans'>
>;

/** @returns false when the connection is gone. A status other than Failed takes the failure away. */
export async function updateConnection(
  store: Store<'access'>,
  namespace: string,
  name: string,
  update: ConnectionUpdate,
): Promise<boolean> {
  const fields = Object.entries(update).filter(([, value]) => value !== undefined);
  const heals = update.status !== undefined && update.status !== 'Failed';
  try {
    await store.document.send(
      new UpdateCommand({
        TableName: store.tables.access,
        Key: keyOf(namespace, name),
        UpdateExpression: `SET ${fields.map(([field]) => `#${field} = :${field}`).join(', ')}${heals ? ' REMOVE failure' : ''}`,
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeNames: Object.fromEntries(fields.map(([field]) => [`#${field}`, field])),
        ExpressionAttributeValues: Object.fromEntries(fields.map(([field, value]) => [`:${field}`, value])),
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
