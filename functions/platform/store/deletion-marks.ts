import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { type Deletion, deletionSchema } from '../../model/deletion.ts';
import type { Key } from './keys.ts';
import type { Store } from './store.ts';

/**
 * How a record of the access table is deleted, so that nothing that needs it comes in between: it is marked first,
 * from when on no transaction that needs it goes through. Then comes the look at what needs it still. Either the mark
 * is taken back, or the deletion is decided, and there is no way back. Whoever finds a mark goes on with it.
 */

/** A condition of writes that need the record: no deletion of it is under way. */
export const NOT_DELETING = 'attribute_exists(pk) AND attribute_not_exists(deletion)';

/** Of writes that finish what began before the deletion. */
export const UNDECIDED = '(attribute_not_exists(deletion) OR deletion.isDecided = :undecided)';

/**
 * Marks a record, or goes on with the mark that it has.
 *
 * @param id of the mark, if there is none yet
 * @returns the record with its mark; undefined when there is no record
 */
export async function markDeleting(
  store: Store<'access'>,
  key: Key,
  id: string,
): Promise<{ item: Record<string, unknown>; deletion: Deletion } | undefined> {
  const mark: Deletion = {
    id,
    requestedAt: new Date(store.clock.now()).toISOString(),
    isDecided: false,
  };
  const item = await update(store, key, {
    UpdateExpression: 'SET deletion = if_not_exists(deletion, :mark)',
    ConditionExpression: 'attribute_exists(pk)',
    ExpressionAttributeValues: { ':mark': mark },
  });
  return item && { item, deletion: deletionSchema.parse(item['deletion']) };
}

/**
 * There is no way back from here.
 *
 * @param unless a further condition: an attribute that the record must not have
 * @returns false when the mark was taken back meanwhile, or the record is gone
 */
export async function decideDeletion(
  store: Store<'access'>,
  key: Key,
  { id }: Deletion,
  unless?: string,
): Promise<boolean> {
  const item = await update(store, key, {
    UpdateExpression: 'SET deletion.isDecided = :true',
    ConditionExpression: `deletion.id = :id${unless === undefined ? '' : ' AND attribute_not_exists(#unless)'}`,
    ExpressionAttributeValues: { ':true': true, ':id': id },
    ...(unless === undefined ? {} : { ExpressionAttributeNames: { '#unless': unless } }),
  });
  return item !== undefined;
}

/** @returns false when the deletion was decided meanwhile, or another has taken the mark back */
export async function takeBackDeletion(store: Store<'access'>, key: Key, { id }: Deletion): Promise<boolean> {
  const item = await update(store, key, {
    UpdateExpression: 'REMOVE deletion',
    ConditionExpression: 'deletion.id = :id AND deletion.isDecided = :false',
    ExpressionAttributeValues: { ':id': id, ':false': false },
  });
  return item !== undefined;
}

/** Notes what has been done for a deletion that is decided, as long as it is under way. */
export async function noteInDeletion(
  store: Store<'access'>,
  key: Key,
  { id }: Deletion,
  done: 'hasLeft',
): Promise<void> {
  await update(store, key, {
    UpdateExpression: 'SET deletion.#done = :true',
    ConditionExpression: 'deletion.id = :id AND deletion.isDecided = :true',
    ExpressionAttributeNames: { '#done': done },
    ExpressionAttributeValues: { ':true': true, ':id': id },
  });
}

type ConditionalUpdate = Pick<
  ConstructorParameters<typeof UpdateCommand>[0],
  'UpdateExpression' | 'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
>;

async function update(
  store: Store<'access'>,
  key: Key,
  one: ConditionalUpdate,
): Promise<Record<string, unknown> | undefined> {
  try {
    const { Attributes } = await store.document.send(
      new UpdateCommand({ ...one, TableName: store.tables.access, Key: key, ReturnValues: 'ALL_NEW' }),
    );
    return Attributes;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}
