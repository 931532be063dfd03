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
  Pick<
    Connection,
    | 'status'
    | 'failure'
    | 'credentialVersion'
    | 'rotation'
    | 'verifiedAt'
    | 'account'
    | 'accountName'
    | 'accountChangedAt'
    | 'inventorySyncedAt'
    | 'inventoryFailures'
    | 'limits'
    | 'orphans'
  >
>;

/** What has to be so for an update to be made. */
export interface UpdateCondition {
  /** A status that the connection must not have: a user's word that nobody else takes back. */
  statusNot?: Connection['status'];
  /** The version of the secret that has to be in force still. */
  credentialVersion?: number | undefined;
  /** The rotation that has to be under way still. */
  rotationVersion?: number;
  /** The account that the connection has to have still; `none`: it has to have none. */
  account?: { is: string } | 'none';
  /** A status that the connection has to have still. */
  statusIs?: Connection['status'];
  /** Fields to take away in the same write. */
  remove?: readonly ('rotation' | 'inventoryFailures' | 'limits' | 'accountName')[];
}

/**
 * A status other than Failed takes the failure away.
 *
 * @returns false when the connection is gone, or not as the condition says
 */
export async function updateConnection(
  store: Store<'access'>,
  namespace: string,
  name: string,
  update: ConnectionUpdate,
  condition: UpdateCondition = {},
): Promise<boolean> {
  const fields = Object.entries(update).filter(([, value]) => value !== undefined);
  const heals = update.status !== undefined && update.status !== 'Failed';
  const removed = [...(heals ? ['failure'] : []), ...(condition.remove ?? [])];
  const checks = checksOf(condition);
  const values = {
    ...Object.fromEntries(fields.map(([field, value]) => [`:${field}`, value])),
    ...checks.values,
  };
  const sets = fields.map(([field]) => `#${field} = :${field}`);
  try {
    await store.document.send(
      new UpdateCommand({
        TableName: store.tables.access,
        Key: keyOf(namespace, name),
        UpdateExpression: [
          ...(sets.length > 0 ? [`SET ${sets.join(', ')}`] : []),
          ...(removed.length > 0 ? [`REMOVE ${removed.map((field) => `#${field}`).join(', ')}`] : []),
        ].join(' '),
        ConditionExpression: ['attribute_exists(pk)', ...checks.expressions].join(' AND '),
        ExpressionAttributeNames: {
          ...Object.fromEntries(
            [...fields.map(([field]) => field), ...removed].map((name) => [`#${name}`, name]),
          ),
          ...checks.names,
        },
        // DynamoDB takes no empty map.
        ...(Object.keys(values).length > 0 ? { ExpressionAttributeValues: values } : {}),
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

function checksOf({ statusNot, statusIs, credentialVersion, rotationVersion, account }: UpdateCondition) {
  const expressions: string[] = [];
  const names: Record<string, string> = {};
  const values: Record<string, unknown> = {};
  const check = (expression: string, name: string, field: string, value: unknown) => {
    expressions.push(expression);
    names[`#${name}`] = field;
    values[`:${name}`] = value;
  };
  if (statusNot !== undefined) check('#was <> :was', 'was', 'status', statusNot);
  if (statusIs !== undefined) check('#is = :is', 'is', 'status', statusIs);
  if (account === 'none') expressions.push('attribute_not_exists(account)');
  else if (account !== undefined) check('#hasAccount = :hasAccount', 'hasAccount', 'account', account.is);
  if (credentialVersion !== undefined) {
    check('#inForce = :inForce', 'inForce', 'credentialVersion', credentialVersion);
  }
  if (rotationVersion !== undefined) {
    check('rotation.#wanted = :wanted', 'wanted', 'version', rotationVersion);
  }
  return { expressions, names, values };
}
