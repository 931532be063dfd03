import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { type Connection, connectionSchema, DRIVER_NAMES, driverNameSchema } from '../../model/connection.ts';
import { nameSchema } from '../../model/identifiers.ts';
import { isoTime } from '../runtime/clock.ts';
import { readConsistently } from './batch-read.ts';
import { keyOfConnection, readConnectionOf } from './connections.ts';
import { NOT_DELETING } from './deletion-marks.ts';
import type { Key } from './keys.ts';
import { type KeyRange, queryAll } from './listing.ts';
import { namespaceStands } from './namespaces.ts';
import type { Store } from './store.ts';
import { transactWrite } from './transact.ts';

/**
 * Sharing of connections with other namespaces. The record of the connection says with which namespaces it is shared
 * (`sharedWith`), and is what the acceptance of a fleet depends on. For each of them there is also an item under the
 * connection's name in the namespace, so that requests there find the connection. One transaction writes both.
 *
 * A share ends in two steps. First, the namespace goes from `sharedWith` to `unsharing`: from then on, no fleet of it is
 * accepted. When nothing of the namespace is left on the connection, it goes from `unsharing`, and its item with it.
 */

const shareSchema = z.object({
  /** The namespace that the connection belongs to. */
  owner: nameSchema,
  name: nameSchema,
  driver: driverNameSchema,
  connectionId: z.string(),
});
type Share = z.infer<typeof shareSchema>;

const partitionOf = (namespace: string): string => `SHARES#${namespace}`;
const keyOf = (namespace: string, name: string): Key => ({ pk: partitionOf(namespace), sk: name });

/** A connection as a namespace may use it: its own, or one that another namespace shares with it. */
export interface Visible {
  connection: Connection;
  isShared: boolean;
}

const isNamespace = ({ namespace }: { namespace: string }, name: string) => namespace === name;

/** Returns true if a namespace may have fleets on a connection of another one, from now or from before. */
const hasShare = ({ sharedWith = [], unsharing = [] }: Connection, namespace: string): boolean =>
  sharedWith.includes(namespace) || unsharing.some((one) => isNamespace(one, namespace));

/**
 * Reads the connection that a namespace means by a name: its own one, or else one that is shared with it. Reads
 * consistently.
 */
export async function readVisible(
  store: Store<'access'>,
  namespace: string,
  name: string,
): Promise<Visible | undefined> {
  const { access } = store.tables;
  const keys = DRIVER_NAMES.map((driver) => keyOfConnection({ driver, namespace, name }));
  const found = await readConsistently(store, access, [...keys, keyOf(namespace, name)]);
  const own = found.find((item) => item['pk'] !== partitionOf(namespace));
  if (own) return { connection: connectionSchema.parse(own), isShared: false };
  const [share] = found;
  return share && (await follow(store, namespace, shareSchema.parse(share)));
}

/** Reads the connection of a share. Undefined: the connection is deleted, or another one has its name now. */
async function follow(
  store: Store<'access'>,
  namespace: string,
  { owner, name, driver, connectionId }: Share,
): Promise<Visible | undefined> {
  const connection = await readConnectionOf(store, { driver, namespace: owner, name });
  if (connection?.id !== connectionId || !hasShare(connection, namespace)) return undefined;
  return { connection, isShared: true };
}

/** Lists the connections that other namespaces share with a namespace, in the order of their names. They are few. */
export async function sharedConnections(store: Store<'access'>, namespace: string): Promise<Connection[]> {
  const shares = await sharesOf(store, namespace);
  const found = await Promise.all(shares.map((share) => follow(store, namespace, share)));
  return found.flatMap((one) => (one ? [one.connection] : []));
}

async function sharesOf(store: Store<'access'>, namespace: string): Promise<Share[]> {
  const range: KeyRange = { pk: partitionOf(namespace), prefix: '', consistent: true };
  return await queryAll(store, store.tables.access, range, (item) => shareSchema.parse(item));
}

/** Deletes the item by which a namespace finds a connection whose deletion is decided. Repeating this is harmless. */
export async function forgetShare(
  store: Store<'access'>,
  { name, id }: Pick<Connection, 'name' | 'id'>,
  namespace: string,
): Promise<void> {
  await transactWrite(store, [deletionOf(store, namespace, name, id)]);
}

export type ShareOutcome =
  | { connection: Connection }
  /** The record has changed since the caller's read, or is being deleted. */
  | 'changed'
  | 'unknown-namespace'
  /** Another namespace shares a connection of that name with the namespace. */
  | 'name-taken';

/** Shares a connection with a namespace, or undoes that a share of it ends. @param known the record as the caller read it */
export async function addShare(
  store: Store<'access'>,
  known: Connection,
  namespace: string,
): Promise<ShareOutcome> {
  const { id, name, driver, namespace: owner, sharedWith = [], unsharing = [] } = known;
  const TableName = store.tables.access;
  const share: Share = { owner, name, driver, connectionId: id };
  const next = {
    sharedWith: [...new Set([...sharedWith, namespace])].sort(),
    unsharing: unsharing.filter((one) => !isNamespace(one, namespace)),
    ...versionAfter(known),
  };
  const refusals = await transactWrite(store, [
    namespaceStands(store, namespace),
    { Update: { TableName, Key: keyOfConnection(known), ...changeOf(known, next) } },
    {
      Put: {
        TableName,
        Item: { ...keyOf(namespace, name), ...share },
        ...(await isFreeOr(store, namespace, share)),
      },
    },
  ]);
  if (refusals.length === 0) return { connection: { ...known, ...next } };
  const [first] = refusals;
  return first?.at === 0 ? 'unknown-namespace' : first?.at === 1 ? 'changed' : 'name-taken';
}

/** Returns the condition that an item is absent, is of this connection, or is of one that no longer exists. */
async function isFreeOr(store: Store<'access'>, namespace: string, { name, connectionId }: Share) {
  const [item] = await readConsistently(store, store.tables.access, [keyOf(namespace, name)]);
  const other = item && shareSchema.parse(item);
  const isDead = other && !(await follow(store, namespace, other));
  return {
    ConditionExpression: 'attribute_not_exists(pk) OR connectionId IN (:id, :dead)',
    ExpressionAttributeValues: { ':id': connectionId, ':dead': isDead ? other.connectionId : connectionId },
  };
}

/**
 * Begins to end a share: from now on, no fleet of the namespace is accepted on the connection. @returns undefined if the
 * record has changed since the caller's read
 */
export async function beginUnshare(
  store: Store<'access'>,
  known: Connection,
  namespace: string,
  isForced: boolean,
): Promise<Connection | undefined> {
  const { sharedWith = [], unsharing = [] } = known;
  const [begun] = unsharing.filter((one) => isNamespace(one, namespace));
  const requestedAt = begun?.requestedAt ?? isoTime(store.clock.now());
  return await change(store, known, {
    sharedWith: sharedWith.filter((one) => one !== namespace),
    unsharing: [
      ...unsharing.filter((one) => !isNamespace(one, namespace)),
      { namespace, requestedAt, isForced: isForced || begun?.isForced === true },
    ],
    ...versionAfter(known),
  });
}

/** Undoes `beginUnshare`. @returns undefined if the record has changed since the caller's read */
export async function cancelUnshare(
  store: Store<'access'>,
  known: Connection,
  namespace: string,
): Promise<Connection | undefined> {
  const { sharedWith = [], unsharing = [] } = known;
  return await change(store, known, {
    sharedWith: [...new Set([...sharedWith, namespace])].sort(),
    unsharing: unsharing.filter((one) => !isNamespace(one, namespace)),
    ...versionAfter(known),
  });
}

/**
 * Ends a share. The caller must have begun that, and then checked that nothing of the namespace is left on the connection.
 * @returns undefined if the record has changed since the caller's read
 */
export async function finishUnshare(
  store: Store<'access'>,
  known: Connection,
  namespace: string,
): Promise<Connection | undefined> {
  const { sharedWith = [], unsharing = [], id, name } = known;
  const next = {
    sharedWith,
    unsharing: unsharing.filter((one) => !isNamespace(one, namespace)),
    ...versionAfter(known),
  };
  const refusals = await transactWrite(store, [
    { Update: { TableName: store.tables.access, Key: keyOfConnection(known), ...changeOf(known, next) } },
    deletionOf(store, namespace, name, id),
  ]);
  if (refusals.length === 0) return { ...known, ...next };
  // The item is of another connection, which took the name when this share was dead. It stays.
  return refusals.some(({ at }) => at === 0) ? undefined : await change(store, known, next);
}

const deletionOf = (store: Store<'access'>, namespace: string, name: string, connectionId: string) => ({
  Delete: {
    TableName: store.tables.access,
    Key: keyOf(namespace, name),
    ConditionExpression: 'attribute_not_exists(pk) OR connectionId = :connection',
    ExpressionAttributeValues: { ':connection': connectionId },
  },
});

type Shares = Required<Pick<Connection, 'sharedWith' | 'unsharing' | 'sharesVersion'>>;

const versionAfter = ({ sharesVersion = 0 }: Connection) => ({ sharesVersion: sharesVersion + 1 });

async function change(
  store: Store<'access'>,
  known: Connection,
  next: Shares,
): Promise<Connection | undefined> {
  try {
    await store.document.send(
      new UpdateCommand({
        TableName: store.tables.access,
        Key: keyOfConnection(known),
        ...changeOf(known, next),
      }),
    );
    return { ...known, ...next };
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}

/** Returns the update of a connection's shares, under the condition that they are as the caller has read them. */
function changeOf({ id, sharesVersion: seen }: Connection, next: Shares) {
  const isAsRead = seen === undefined ? 'attribute_not_exists(sharesVersion)' : 'sharesVersion = :seen';
  return {
    UpdateExpression: 'SET sharedWith = :sharedWith, unsharing = :unsharing, sharesVersion = :version',
    ConditionExpression: `id = :id AND ${NOT_DELETING} AND ${isAsRead}`,
    ExpressionAttributeValues: {
      ':id': id,
      ...(seen === undefined ? {} : { ':seen': seen }),
      ':sharedWith': next.sharedWith,
      ':unsharing': next.unsharing,
      ':version': next.sharesVersion,
    },
  };
}
