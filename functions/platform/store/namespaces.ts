import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, GetCommand } from '@aws-sdk/lib-dynamodb';
import { type Namespace, type NamespaceRequest, namespaceSchema } from '../../model/access.ts';
import type { Deletion } from '../../model/deletion.ts';
import { makeId } from '../../model/identifiers.ts';
import { MAX_BATCH_READ, readConsistently } from './batch-read.ts';
import { markDeleting, NOT_DELETING, takeBackDeletion } from './deletion-marks.ts';
import type { Key } from './keys.ts';
import { type Page, type PageRequest, queryAll, queryPage } from './listing.ts';
import type { Store } from './store.ts';
import { type TransactItem, transactWrite } from './transact.ts';

/** All namespaces are in one partition of the access table, because there are few, and they change seldom. */
const PARTITION = 'NAMESPACES';

const keyOf = (name: string): Key => ({ pk: PARTITION, sk: name });

/** Creates a namespace. @returns undefined if the name is taken */
export async function createNamespace(
  store: Store<'access'>,
  { name, description }: NamespaceRequest,
): Promise<Namespace | undefined> {
  const namespace: Namespace = {
    name,
    ...(description === undefined ? {} : { description }),
    createdAt: new Date(store.clock.now()).toISOString(),
  };
  // The SDK sends a transaction with an idempotency token. If an answer is lost, the SDK's retry therefore succeeds.
  // Without the token, DynamoDB would refuse the retry, because the first request has written the item.
  const refusals = await transactWrite(store, [
    {
      Put: {
        TableName: store.tables.access,
        Item: { ...keyOf(name), ...namespace },
        ConditionExpression: 'attribute_not_exists(pk)',
      },
    },
  ]);
  return refusals.length === 0 ? namespace : undefined;
}

/** Returns a condition check for a transaction: the namespace exists, and no deletion of it is under way. */
export function namespaceStands(store: Store<'access'>, name: string): TransactItem {
  return {
    ConditionCheck: {
      TableName: store.tables.access,
      Key: keyOf(name),
      ConditionExpression: NOT_DELETING,
    },
  };
}

export async function readNamespace(store: Store<'access'>, name: string): Promise<Namespace | undefined> {
  const { Item } = await store.document.send(
    new GetCommand({ TableName: store.tables.access, Key: keyOf(name), ConsistentRead: true }),
  );
  return Item ? namespaceSchema.parse(Item) : undefined;
}

export async function listNamespaces(store: Store<'access'>, page: PageRequest): Promise<Page<Namespace>> {
  return await queryPage(store, store.tables.access, { pk: PARTITION, prefix: '' }, page, (item) =>
    namespaceSchema.parse(item),
  );
}

/** Lists those of the named namespaces that exist, in the order of their names. @param names of which at most 100 are read for a page */
export async function listNamedNamespaces(
  store: Store<'access'>,
  names: readonly string[],
  { limit, cursor = '' }: PageRequest,
): Promise<Page<Namespace>> {
  const later = [...new Set(names)].filter((name) => name > cursor).toSorted();
  const wanted = later.slice(0, MAX_BATCH_READ);
  const found = (await readConsistently(store, store.tables.access, wanted.map(keyOf)))
    .map((item) => namespaceSchema.parse(item))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const items = found.slice(0, limit);
  const [isCut, isPart] = [found.length > limit, later.length > wanted.length];
  const last = isCut ? items.at(-1)?.name : isPart ? wanted.at(-1) : undefined;
  return { items, cursor: last ?? null };
}

/** Lists all namespaces, for scheduled functions and for the removal of the deployment. */
export async function allNamespaces(
  store: Store<'access'>,
  { consistent = false }: { consistent?: boolean } = {},
): Promise<Namespace[]> {
  return await queryAll(store, store.tables.access, { pk: PARTITION, prefix: '', consistent }, (item) =>
    namespaceSchema.parse(item),
  );
}

/**
 * Marks a namespace for deletion. From then on, nothing can be created in it. @returns the mark; undefined if there is
 * no such namespace
 */
export async function markNamespace(store: Store<'access'>, name: string): Promise<Deletion | undefined> {
  const id = makeId(store.clock.now(), store.random);
  return (await markDeleting(store, keyOf(name), id))?.deletion;
}

/** Removes a deletion mark. @returns false if the namespace does not exist, or another caller has removed the mark */
export async function unmarkNamespace(
  store: Store<'access'>,
  name: string,
  deletion: Deletion,
): Promise<boolean> {
  return await takeBackDeletion(store, keyOf(name), deletion);
}

/**
 * Removes a namespace. The caller must have checked that it is empty. @returns false if another caller has removed the
 * mark
 */
export async function removeNamespace(
  store: Store<'access'>,
  name: string,
  { id }: Deletion,
): Promise<boolean> {
  try {
    await store.document.send(
      new DeleteCommand({
        TableName: store.tables.access,
        Key: keyOf(name),
        ConditionExpression: 'deletion.id = :id',
        ExpressionAttributeValues: { ':id': id },
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
