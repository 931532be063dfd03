import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { waitingSeatKey } from './keys.ts';
import type { Store } from './store.ts';

/** Number of random seats that a request tries. If other requests have all of them, most seats are taken. */
const TRIES = 3;

/** A seat of a waiting API request. */
export interface WaitingSeat {
  number: number;
  /** End of the wait, which identifies the request that has the seat. */
  untilMs: number;
}

/**
 * Takes one of the deployment's seats for waiting API requests. The seats bound how many invocations wait at a
 * time, over all processes. A seat whose request died is free again after `untilMs`.
 *
 * @param seats number of seats of the deployment
 * @returns undefined if no seat was free among those that were tried
 */
export async function takeWaitingSeat(
  { document, tables, clock, random }: Store<'fleets'>,
  seats: number,
  untilMs: number,
): Promise<WaitingSeat | undefined> {
  const first = Math.floor(random() * seats);
  for (let at = 0; at < Math.min(TRIES, seats); at += 1) {
    const number = (first + at) % seats;
    try {
      await document.send(
        new PutCommand({
          TableName: tables.fleets,
          Item: { ...waitingSeatKey(number), untilMs },
          ConditionExpression: 'attribute_not_exists(pk) OR untilMs < :now',
          ExpressionAttributeValues: { ':now': clock.now() },
        }),
      );
      return { number, untilMs };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    }
  }
  return undefined;
}

/** Gives a seat back. Changes nothing if another request has taken the seat after `untilMs`. */
export async function leaveWaitingSeat(
  { document, tables }: Store<'fleets'>,
  { number, untilMs }: WaitingSeat,
): Promise<void> {
  try {
    await document.send(
      new DeleteCommand({
        TableName: tables.fleets,
        Key: waitingSeatKey(number),
        ConditionExpression: 'untilMs = :until',
        ExpressionAttributeValues: { ':until': untilMs },
      }),
    );
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  }
}
