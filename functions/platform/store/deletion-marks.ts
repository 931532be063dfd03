import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { type Deletion, deletionSchema } from '../../model/deletion.ts';
import type { Key } from './keys.ts';
import type { Store } from './store.ts';

/**
 * Functions for the deletion of a record of the table `access`. While a deletion is under way, nothing that needs the
 * record can be created. The caller takes four steps:
 *
 * 1. It marks the record. From then on, transactions that need the record fail.
 * 2. It checks whether anything still needs the record.
 * 3. If something does, it removes the mark and stops. Otherwise, for a connection, it decides the deletion, which
 *    cannot be undone from then on. For a namespace, there is no such step.
 * 4. It deletes the record.
 *
 * A caller that finds the mark of an earlier caller continues that deletion.
 */

/** Condition of writes that need the record: it exists, and no deletion of it is under way. */
export const NOT_DELETING = 'attribute_exists(pk) AND attribute_not_exists(deletion)';

/** Condition of writes that finish work that was begun before the deletion: no deletion is decided yet. */
export const UNDECIDED = '(attribute_not_exists(deletion) OR deletion.isDecided = :undecided)';

/**
 * Marks a record for deletion, or returns the mark that the record already has.
 *
 * @param id id of the new mark, if the record has no mark yet
 * @returns the record with its mark; undefined if there is no record
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
 * Decides a marked deletion. From then on, it cannot be undone.
 *
 * @param unless name of an attribute that the record must not have; undefined: no such condition
 * @returns false if the mark or the record does not exist any more, or if the record has the attribute `unless`
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

/** Removes a mark. @returns false if the deletion has been decided, or another caller has removed the mark */
export async function takeBackDeletion(store: Store<'access'>, key: Key, { id }: Deletion): Promise<boolean> {
  const item = await update(store, key, {
    UpdateExpression: 'REMOVE deletion',
    ConditionExpression: 'deletion.id = :id AND deletion.isDecided = :false',
    ExpressionAttributeValues: { ':id': id, ':false': false },
  });
  return item !== undefined;
}

/**
 * Records in the mark that a step of the deletion is finished. Does nothing if the deletion is not decided, or its mark
 * no longer exists.
 */
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
