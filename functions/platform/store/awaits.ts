import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { awaitKey } from './keys.ts';
import type { Store } from './store.ts';

/** A workflow step that waits until a fleet has no launch left at a connection. */
export const awaitItemSchema = z.object({
  fleetId: z.string(),
  connectionKey: z.string(),
  /** Number of the execution whose step waits. */
  execution: z.number(),
  taskToken: z.string(),
});
export type AwaitItem = z.infer<typeof awaitItemSchema>;

export async function readAwait(
  store: Store<'fleets'>,
  { fleetId, connectionKey }: Pick<AwaitItem, 'fleetId' | 'connectionKey'>,
): Promise<AwaitItem | undefined> {
  const { Item } = await store.document.send(
    new GetCommand({
      TableName: store.tables.fleets,
      Key: awaitKey(fleetId, connectionKey),
      ConsistentRead: true,
    }),
  );
  return Item ? awaitItemSchema.parse(Item) : undefined;
}

/**
 * Stores which step waits. Replaces a step of the same execution or an earlier one.
 *
 * @returns false if a step of a later execution waits; nothing is written in that case
 */
export async function putAwait(store: Store<'fleets'>, item: AwaitItem): Promise<boolean> {
  try {
    await store.document.send(
      new PutCommand({
        TableName: store.tables.fleets,
        Item: { ...awaitKey(item.fleetId, item.connectionKey), ...item },
        ConditionExpression: 'attribute_not_exists(pk) OR #execution <= :execution',
        ExpressionAttributeNames: { '#execution': 'execution' },
        ExpressionAttributeValues: { ':execution': item.execution },
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

/** Removes a step that has got its answer, unless another step waits by now. */
export async function removeAwait(
  store: Store<'fleets'>,
  { fleetId, connectionKey, taskToken }: AwaitItem,
): Promise<void> {
  try {
    await store.document.send(
      new DeleteCommand({
        TableName: store.tables.fleets,
        Key: awaitKey(fleetId, connectionKey),
        ConditionExpression: 'taskToken = :token',
        ExpressionAttributeValues: { ':token': taskToken },
      }),
    );
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  }
}
