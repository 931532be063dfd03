import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { endingKey } from './keys.ts';
import type { Store } from './store.ts';
import type { TransactItem } from './transact.ts';

/**
 * The steps of the removal of a deployment, in order. From `secrets` on, the removal cannot be cancelled, because
 * credentials are deleted.
 */
export const ENDING_STEPS = ['accepting', 'fleets', 'networks', 'clouds', 'secrets', 'stack'] as const;
export const endingStepSchema = z.enum(ENDING_STEPS);
export type EndingStep = z.infer<typeof endingStepSchema>;

/** The removal of the deployment. While its state is `ending`, the deployment accepts no fleets and no connections. */
const endingSchema = z.object({
  state: z.enum(['ending', 'open']),
  /** Changes with each removal, so that a command that began before a cancellation does not go on after it. */
  endingId: z.string(),
  step: endingStepSchema,
  since: z.string(),
  by: z.string(),
});
export type Ending = z.infer<typeof endingSchema>;

/** Thrown by work that the removal of the deployment forbids. */
export class DeploymentEnding extends Error {
  override readonly name = 'DeploymentEnding';
}

/** Reads the removal with a strongly consistent read. @returns undefined if the deployment is not being removed */
export async function readEnding(store: Store<'fleets'>): Promise<Ending | undefined> {
  const { Item } = await store.document.send(
    new GetCommand({ TableName: store.tables.fleets, Key: endingKey(), ConsistentRead: true }),
  );
  const ending = Item && endingSchema.parse(Item);
  return ending?.state === 'ending' ? ending : undefined;
}

/** Begins the removal. @returns the removal, which an earlier call may have begun */
export async function beginEnding(
  store: Store<'fleets'>,
  { endingId, by }: Pick<Ending, 'endingId' | 'by'>,
): Promise<Ending> {
  const since = new Date(store.clock.now()).toISOString();
  const ending: Ending = { state: 'ending', endingId, step: 'accepting', since, by };
  try {
    await store.document.send(
      new PutCommand({
        TableName: store.tables.fleets,
        Item: { ...endingKey(), ...ending },
        ConditionExpression: 'attribute_not_exists(pk) OR #state = :open',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: { ':open': 'open' },
      }),
    );
    return ending;
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return (await readEnding(store)) ?? (await beginEnding(store, { endingId, by }));
  }
}

/**
 * Writes that a step begins, unless a later step has begun already.
 *
 * @returns false if the removal was cancelled
 */
export async function enterStep(
  store: Store<'fleets'>,
  { endingId }: Pick<Ending, 'endingId'>,
  step: EndingStep,
): Promise<boolean> {
  const earlier = ENDING_STEPS.slice(0, ENDING_STEPS.indexOf(step) + 1);
  const wrote = await update(store, step, {
    ConditionExpression: `endingId = :id AND #state = :ending AND #step IN (${earlier.map((_, at) => `:e${at}`).join(', ')})`,
    ExpressionAttributeNames: { '#state': 'state', '#step': 'step' },
    ExpressionAttributeValues: {
      ':id': endingId,
      ':ending': 'ending',
      ...Object.fromEntries(earlier.map((one, at) => [`:e${at}`, one])),
    },
  });
  return wrote || (await readEnding(store))?.endingId === endingId;
}

async function update(
  store: Store<'fleets'>,
  step: EndingStep,
  {
    ExpressionAttributeValues,
    ...condition
  }: Pick<
    ConstructorParameters<typeof UpdateCommand>[0],
    'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
  >,
): Promise<boolean> {
  try {
    await store.document.send(
      new UpdateCommand({
        TableName: store.tables.fleets,
        Key: endingKey(),
        UpdateExpression: 'SET #step = :step',
        ...condition,
        ExpressionAttributeValues: { ...ExpressionAttributeValues, ':step': step },
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

/**
 * Cancels the removal, so that the deployment accepts fleets and connections again.
 *
 * @returns `too-late` if credentials are being deleted or were deleted
 */
export async function cancelEnding(store: Store<'fleets'>): Promise<'reopened' | 'not-ending' | 'too-late'> {
  const open = ENDING_STEPS.slice(0, ENDING_STEPS.indexOf('secrets'));
  try {
    await store.document.send(
      new UpdateCommand({
        TableName: store.tables.fleets,
        Key: endingKey(),
        UpdateExpression: 'SET #state = :open',
        ConditionExpression: `#state = :ending AND #step IN (${open.map((_, at) => `:e${at}`).join(', ')})`,
        ExpressionAttributeNames: { '#state': 'state', '#step': 'step' },
        ExpressionAttributeValues: {
          ':open': 'open',
          ':ending': 'ending',
          ...Object.fromEntries(open.map((one, at) => [`:e${at}`, one])),
        },
      }),
    );
    return 'reopened';
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return (await readEnding(store)) ? 'too-late' : 'not-ending';
  }
}

/** Returns a condition check for a transaction: the deployment is not being removed. */
export function notEnding(store: Store<'fleets'>): TransactItem {
  return {
    ConditionCheck: {
      TableName: store.tables.fleets,
      Key: endingKey(),
      ConditionExpression: 'attribute_not_exists(pk) OR #state = :open',
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: { ':open': 'open' },
    },
  };
}
