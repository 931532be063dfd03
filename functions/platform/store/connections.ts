import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { BatchGetCommand, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { type Connection, connectionSchema, DRIVER_NAMES, type DriverName } from '../../model/connection.ts';
import type { Deletion } from '../../model/deletion.ts';
import { type ConnectionRef, makeConnectionId, makeId } from '../../model/identifiers.ts';
import { isoTime } from '../runtime/clock.ts';
import { abandonedSecret } from './abandoned-secrets.ts';
import {
  decideDeletion,
  markDeleting,
  NOT_DELETING,
  noteInDeletion,
  takeBackDeletion,
  UNDECIDED,
} from './deletion-marks.ts';
import { notEnding } from './ending.ts';
import { type Page, type PageRequest, queryAll, queryPage } from './listing.ts';
import { namespaceStands } from './namespaces.ts';
import type { Store } from './store.ts';
import { type TransactItem, transactWrite } from './transact.ts';

/**
 * Returns the partition of the access table with all connections of one driver, sorted by namespace and name. A
 * driver's function may write this partition and no other. API requests and scheduled functions read the partitions of
 * all drivers.
 */
export const connectionPartition = (driver: DriverName): string => `CONNECTIONS#${driver}`;

/** Partition of the connections of all drivers in releases up to 0.2.0. This release reads no item of it. */
export const EARLIER_PARTITION = 'CONNECTIONS';

const sortKeyOf = (namespace: string, name: string): string => `${namespace}/${name}`;
const keyOf = ({ driver, namespace, name }: ConnectionRef) => ({
  pk: connectionPartition(driver),
  sk: sortKeyOf(namespace, name),
});

/** A connection before its record is written. It has no id yet, because `createConnection` makes the id. */
export type NewConnection = Omit<Connection, 'id' | 'credentialVersion' | 'deletion'> &
  Pick<Partial<Connection>, 'credentialVersion'>;

/**
 * Writes the record of a new connection. The caller stores the secret afterwards, under the id in the record.
 *
 * @param instead record that is replaced, because the request that wrote this record ended before it stored the secret
 * @returns the record; undefined if the namespace does not exist or is being deleted, if the name is taken, or if
 *   the deployment is being removed
 */
export async function createConnection(
  store: Store<'access' | 'fleets'>,
  connection: NewConnection,
  instead?: Connection,
): Promise<Connection | undefined> {
  const made: Connection = { ...connection, id: makeConnectionId(store.clock.now(), store.random) };
  const TableName = store.tables.access;
  const isInstead = instead && {
    ConditionExpression: `id = :instead AND ${UNFINISHED}`,
    ExpressionAttributeValues: { ':instead': instead.id },
  };
  const isFree = { ConditionExpression: 'attribute_not_exists(pk)' };
  const othersAreFree = DRIVER_NAMES.filter((driver) => driver !== made.driver).map(
    (driver): TransactItem => {
      const Key = keyOf({ ...made, driver });
      return instead?.driver === driver
        ? { Delete: { TableName, Key, ...isInstead } }
        : { ConditionCheck: { TableName, Key, ...isFree } };
    },
  );
  const refusals = await transactWrite(store, [
    namespaceStands(store, connection.namespace),
    notEnding(store),
    {
      Put: {
        TableName,
        Item: { ...keyOf(made), ...made },
        ...(instead?.driver === made.driver ? isInstead : isFree),
      },
    },
    ...othersAreFree,
    ...(instead ? [{ Put: abandonedSecret(store, instead) }] : []),
  ]);
  return refusals.length === 0 ? made : undefined;
}

/** Condition: no secret of the connection has been stored yet, and no deletion of it is under way. */
const UNFINISHED = 'attribute_not_exists(credentialVersion) AND attribute_not_exists(deletion)';

/**
 * Returns a condition check for a transaction: the connection is Ready, no deletion of it is under way, and it has the
 * given id. With another id, it would be another connection that was created under the same name.
 */
export function connectionIsReady(
  store: Store<'access'>,
  { id, ...ref }: ConnectionRef & Pick<Connection, 'id'>,
): TransactItem {
  return {
    ConditionCheck: {
      TableName: store.tables.access,
      Key: keyOf(ref),
      ConditionExpression: `id = :id AND #status = :ready AND ${NOT_DELETING}`,
      ExpressionAttributeNames: { '#status': 'status' },
      ExpressionAttributeValues: { ':id': id, ':ready': 'Ready' },
    },
  };
}

/** Returns a condition check for a transaction: the connection stands, and no deletion of it is under way. */
export function connectionStands(
  store: Store<'access'>,
  { id, ...ref }: ConnectionRef & Pick<Connection, 'id'>,
): TransactItem {
  return {
    ConditionCheck: {
      TableName: store.tables.access,
      Key: keyOf(ref),
      ConditionExpression: `id = :id AND ${NOT_DELETING}`,
      ExpressionAttributeValues: { ':id': id },
    },
  };
}

/** Reads a connection of a known driver. */
export async function readConnectionOf(
  store: Store<'access'>,
  ref: ConnectionRef,
): Promise<Connection | undefined> {
  const { Item } = await store.document.send(
    new GetCommand({ TableName: store.tables.access, Key: keyOf(ref), ConsistentRead: true }),
  );
  return Item ? connectionSchema.parse(Item) : undefined;
}

/** Reads a connection whose driver the caller does not know. A name belongs to one driver at a time. */
export async function readConnection(
  store: Store<'access'>,
  namespace: string,
  name: string,
): Promise<Connection | undefined> {
  const table = store.tables.access;
  let keys: Record<string, unknown>[] = DRIVER_NAMES.map((driver) => keyOf({ driver, namespace, name }));
  const found: unknown[] = [];
  while (keys.length > 0) {
    const { Responses, UnprocessedKeys } = await store.document.send(
      new BatchGetCommand({ RequestItems: { [table]: { Keys: keys, ConsistentRead: true } } }),
    );
    found.push(...(Responses?.[table] ?? []));
    keys = UnprocessedKeys?.[table]?.Keys ?? [];
  }
  const [item] = found;
  return item === undefined ? undefined : connectionSchema.parse(item);
}

/** Lists a namespace's connections of all drivers, in the order of their names. */
export async function listConnections(
  store: Store<'access'>,
  namespace: string,
  page: PageRequest,
): Promise<Page<Connection>> {
  const pages = await Promise.all(
    DRIVER_NAMES.map((driver) => {
      const keys = { pk: connectionPartition(driver), prefix: sortKeyOf(namespace, '') };
      return queryPage(store, store.tables.access, keys, page, (item) => connectionSchema.parse(item));
    }),
  );
  const found = pages.flatMap(({ items }) => items).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const items = found.slice(0, page.limit);
  const isLast = found.length <= page.limit && pages.every(({ cursor }) => cursor === null);
  return { items, cursor: isLast ? null : (items.at(-1)?.name ?? null) };
}

/**
 * Refuses tables of release 0.2.0 or earlier that have connections. This release would not see them, and nothing would
 * watch or remove their machines.
 *
 * @throws Error
 */
export async function refuseEarlierConnections(store: Store<'access'>): Promise<void> {
  const keys = { pk: EARLIER_PARTITION, prefix: '', consistent: true };
  const { items } = await queryPage(store, store.tables.access, keys, { limit: 1 }, (item) => item);
  if (items.length > 0)
    throw new Error(
      'the tables have connections of release 0.2.0, which this release cannot read: deploy 0.2.0 again, delete all fleets and connections, then deploy this release',
    );
}

/** Lists one driver's connections of all namespaces. */
export async function connectionsOfDriver(
  store: Store<'access'>,
  driver: DriverName,
  consistent = false,
): Promise<Connection[]> {
  const keys = { pk: connectionPartition(driver), prefix: '', consistent };
  return await queryAll(store, store.tables.access, keys, (item) => connectionSchema.parse(item));
}

/**
 * Lists the connections of all namespaces and drivers, for scheduled functions and for the removal of the deployment.
 */
export async function allConnections(
  store: Store<'access'>,
  { consistent = false }: { consistent?: boolean } = {},
): Promise<Connection[]> {
  const lists = await Promise.all(
    DRIVER_NAMES.map((driver) => connectionsOfDriver(store, driver, consistent)),
  );
  return lists.flat();
}

/**
 * Returns true if a namespace has a connection. The read is strongly consistent, so that it finds a connection that was
 * just created.
 */
export async function hasConnections(store: Store<'access'>, namespace: string): Promise<boolean> {
  const pages = await Promise.all(
    DRIVER_NAMES.map((driver) => {
      const keys = { pk: connectionPartition(driver), prefix: sortKeyOf(namespace, ''), consistent: true };
      return queryPage(store, store.tables.access, keys, { limit: 1 }, (item) => item);
    }),
  );
  return pages.some(({ items }) => items.length > 0);
}

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
  const marked = await markDeleting(store, keyOf(ref), id);
  return marked && { ...connectionSchema.parse(marked.item), deletion: marked.deletion };
}

/** Removes a deletion mark. @returns false if the deletion has been decided, or another caller has removed the mark */
export async function unmarkConnection(
  store: Store<'access'>,
  connection: DeletingConnection,
): Promise<boolean> {
  return await takeBackDeletion(store, keyOf(connection), connection.deletion);
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
  return await decideDeletion(store, keyOf(connection), connection.deletion, field);
}

/**
 * Records, for a connection that is being deleted, that a worker has removed this deployment's mark from the cloud
 * account, or has failed to remove it.
 */
export async function noteLeft(store: Store<'access'>, connection: DeletingConnection): Promise<void> {
  await noteInDeletion(store, keyOf(connection), connection.deletion, 'hasLeft');
}

/**
 * Removes the connection's record, if its deletion is decided. The same transaction records that a late request may
 * still store the connection's secret (`abandonedSecret`). A repeated call changes nothing.
 */
export async function removeConnection(
  store: Store<'access'>,
  connection: DeletingConnection,
): Promise<void> {
  const { deletion } = connection;
  await transactWrite(store, [
    {
      Delete: {
        TableName: store.tables.access,
        Key: keyOf(connection),
        ConditionExpression: 'deletion.id = :id AND deletion.isDecided = :true',
        ExpressionAttributeValues: { ':id': deletion.id, ':true': true },
      },
    },
    { Put: abandonedSecret(store, connection) },
  ]);
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
    | 'warning'
    | 'inventorySyncedAt'
    | 'inventoryFailures'
    | 'limits'
    | 'orphans'
    | 'network'
    | 'networkChange'
  >
>;

/** Conditions of an update, and the fields that it removes. */
export interface UpdateCondition {
  /** Id that the connection must have. Another connection may have been created under the same name. */
  id?: string;
  /** `none`: no deletion is under way; `undecided`: a deletion may be marked, but not decided. */
  deletion?: 'none' | 'undecided';
  /** Status that the connection must not have, for example a status that only users may change. */
  statusNot?: Connection['status'];
  /** Version of the secret that must still be in force. */
  credentialVersion?: number | undefined;
  /** Version of the secret whose rotation must still be under way. */
  rotationVersion?: number;
  /** Request for another default network that must still be under way. */
  networkChangeId?: string;
  /** Account that the connection must still have. `none`: the connection must have no recorded account. */
  account?: { is: string } | 'none';
  /** Status that the connection must still have. */
  statusIs?: Connection['status'];
  /** Fields to remove in the same write. */
  remove?: readonly (
    | 'rotation'
    | 'inventoryFailures'
    | 'limits'
    | 'accountName'
    | 'warning'
    | 'networkChange'
  )[];
}

/**
 * Updates a connection's record. The status Failed keeps the time at which it was first set (`failedAt`). If the update
 * sets another status, the recorded failure and its time are removed.
 *
 * @returns the updated connection; undefined if it does not exist or the condition does not hold
 */
export async function updateConnection(
  store: Store<'access'>,
  ref: ConnectionRef,
  update: ConnectionUpdate,
  condition: UpdateCondition = {},
): Promise<Connection | undefined> {
  const fields = Object.entries(update).filter(([, value]) => value !== undefined);
  const heals = update.status !== undefined && update.status !== 'Failed';
  const removed = [...(heals ? ['failure', 'failedAt'] : []), ...(condition.remove ?? [])];
  const checks = checksOf(condition);
  const values: Record<string, unknown> = {
    ...Object.fromEntries(fields.map(([field, value]) => [`:${field}`, value])),
    ...checks.values,
  };
  const sets = fields.map(([field]) => `#${field} = :${field}`);
  if (update.status === 'Failed') {
    sets.push('#failedAt = if_not_exists(#failedAt, :failedAt)');
    values[':failedAt'] = isoTime(store.clock.now());
  }
  try {
    const { Attributes } = await store.document.send(
      new UpdateCommand({
        TableName: store.tables.access,
        Key: keyOf(ref),
        ReturnValues: 'ALL_NEW',
        UpdateExpression: [
          ...(sets.length > 0 ? [`SET ${sets.join(', ')}`] : []),
          ...(removed.length > 0 ? [`REMOVE ${removed.map((field) => `#${field}`).join(', ')}`] : []),
        ].join(' '),
        ConditionExpression: ['attribute_exists(pk)', ...checks.expressions].join(' AND '),
        ExpressionAttributeNames: {
          ...Object.fromEntries(
            [
              ...fields.map(([field]) => field),
              ...removed,
              ...(update.status === 'Failed' ? ['failedAt'] : []),
            ].map((name) => [`#${name}`, name]),
          ),
          ...checks.names,
        },
        // DynamoDB refuses an empty map.
        ...(Object.keys(values).length > 0 ? { ExpressionAttributeValues: values } : {}),
      }),
    );
    return connectionSchema.parse(Attributes);
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}

function checksOf(condition: UpdateCondition) {
  const { id, deletion, statusNot, statusIs, credentialVersion, rotationVersion, account, networkChangeId } =
    condition;
  const expressions: string[] = [];
  const names: Record<string, string> = {};
  const values: Record<string, unknown> = {};
  const check = (expression: string, name: string, field: string, value: unknown) => {
    expressions.push(expression);
    names[`#${name}`] = field;
    values[`:${name}`] = value;
  };
  if (id !== undefined) check('#id = :id', 'id', 'id', id);
  if (deletion === 'none') expressions.push('attribute_not_exists(deletion)');
  if (deletion === 'undecided') {
    expressions.push(UNDECIDED);
    values[':undecided'] = false;
  }
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
  if (networkChangeId !== undefined)
    check('networkChange.#change = :change', 'change', 'id', networkChangeId);
  return { expressions, names, values };
}
