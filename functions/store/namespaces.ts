import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { type Namespace, type NamespaceRequest, namespaceSchema } from '../model/access.ts';
import type { Store } from './client.ts';
import { type Page, type PageRequest, queryPage } from './listing.ts';

/** Namespaces stand in one partition of the access table: there are few, and they change seldom. */
const PARTITION = 'NAMESPACES';

export async function createNamespace(
  store: Store<'access'>,
  { name, description }: NamespaceRequest,
): Promise<'created' | 'exists'> {
  const namespace: Namespace = {
    name,
    ...(description === undefined ? {} : { description }),
    createdAt: new Date(store.clock.now()).toISOString(),
  };
  try {
    await store.document.send(
      new PutCommand({
        TableName: store.tables.access,
        Item: { pk: PARTITION, sk: name, ...namespace },
        ConditionExpression: 'attribute_not_exists(pk)',
      }),
    );
    return 'created';
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return 'exists';
    throw error;
  }
}

export async function readNamespace(store: Store<'access'>, name: string): Promise<Namespace | undefined> {
  const { Item } = await store.document.send(
    new GetCommand({
      TableName: store.tables.access,
      Key: { pk: PARTITION, sk: name },
      ConsistentRead: true,
    }),
  );
  return Item ? namespaceSchema.parse(Item) : undefined;
}

export async function listNamespaces(store: Store<'access'>, page: PageRequest): Promise<Page<Namespace>> {
  return await queryPage(store, store.tables.access, { pk: PARTITION, prefix: '' }, page, (item) =>
    namespaceSchema.parse(item),
  );
}

/** Whether it is empty is the caller's to check. @returns false when there was none */
export async function deleteNamespace(store: Store<'access'>, name: string): Promise<boolean> {
  const { Attributes } = await store.document.send(
    new DeleteCommand({
      TableName: store.tables.access,
      Key: { pk: PARTITION, sk: name },
      ReturnValues: 'ALL_OLD',
    }),
  );
  return Attributes !== undefined;
}
