import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { type Connection, connectionSchema, DRIVER_NAMES, type DriverName } from '../../model/connection.ts';
import { type ConnectionRef, makeConnectionId } from '../../model/identifiers.ts';
import { abandonedSecret } from './abandoned-secrets.ts';
import { readConsistently } from './batch-read.ts';
import { NOT_DELETING } from './deletion-marks.ts';
import { notEnding } from './ending.ts';
import type { Key } from './keys.ts';
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
/** Returns the key of a connection's record in the table `access`. */
export const keyOfConnection = ({ driver, namespace, name }: ConnectionRef): Key => ({
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
      const Key = keyOfConnection({ ...made, driver });
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
        Item: { ...keyOfConnection(made), ...made },
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

/** Condition: the connection is shared with the namespace `:user`. */
const SHARED = ' AND contains(sharedWith, :user)';

/**
 * Returns a condition check for a transaction: the connection is Ready, no deletion of it is under way, and it has the
 * given id. With another id, it would be another connection that was created under the same name.
 *
 * @param user the namespace that uses the connection: its own, or one that it is shared with at the time of the write
 */
export function connectionIsReady(
  store: Store<'access'>,
  { id, ...ref }: ConnectionRef & Pick<Connection, 'id'>,
  user: string,
): TransactItem {
  const isGuest = user !== ref.namespace;
  return {
    ConditionCheck: {
      TableName: store.tables.access,
      Key: keyOfConnection(ref),
      ConditionExpression: `id = :id AND #status = :ready AND ${NOT_DELETING}${isGuest ? SHARED : ''}`,
      ExpressionAttributeNames: { '#status': 'status' },
      ExpressionAttributeValues: { ':id': id, ':ready': 'Ready', ...(isGuest ? { ':user': user } : {}) },
    },
  };
}

/**
 * Returns a condition check for a transaction: the connection stands, and no deletion of it is under way.
 *
 * @param user the namespace that uses the connection, which has to be shared with it. Absent: its own
 */
export function connectionStands(
  store: Store<'access'>,
  { id, ...ref }: ConnectionRef & Pick<Connection, 'id'>,
  user = ref.namespace,
): TransactItem {
  const isGuest = user !== ref.namespace;
  return {
    ConditionCheck: {
      TableName: store.tables.access,
      Key: keyOfConnection(ref),
      ConditionExpression: `id = :id AND ${NOT_DELETING}${isGuest ? SHARED : ''}`,
      ExpressionAttributeValues: { ':id': id, ...(isGuest ? { ':user': user } : {}) },
    },
  };
}

/** Reads a connection of a known driver. */
export async function readConnectionOf(
  store: Store<'access'>,
  ref: ConnectionRef,
): Promise<Connection | undefined> {
  const { Item } = await store.document.send(
    new GetCommand({ TableName: store.tables.access, Key: keyOfConnection(ref), ConsistentRead: true }),
  );
  return Item ? connectionSchema.parse(Item) : undefined;
}

/**
 * Reads connections of known drivers in one request.
 *
 * @param refs at most `MAX_BATCH_READ` different ones
 * @returns the connections that exist, in any order
 */
export async function readConnections(
  store: Store<'access'>,
  refs: readonly ConnectionRef[],
): Promise<Connection[]> {
  const found = await readConsistently(store, store.tables.access, refs.map(keyOfConnection));
  return found.map((item) => connectionSchema.parse(item));
}

/** Reads a connection whose driver the caller does not know. A name belongs to one driver at a time. */
export async function readConnection(
  store: Store<'access'>,
  namespace: string,
  name: string,
): Promise<Connection | undefined> {
  const keys = DRIVER_NAMES.map((driver) => keyOfConnection({ driver, namespace, name }));
  const found = await readConsistently(store, store.tables.access, keys);
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
