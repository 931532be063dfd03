import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { TransactWriteCommand, type TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import { TRANSIENT_REASONS } from '../runtime/transient.ts';
import type { Store } from './store.ts';

export type TransactItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/** DynamoDB takes no more in one transaction. */
export const MAX_TRANSACT_ITEMS = 100;

const MAX_TRIES = 8;

/** Why an item of the transaction was refused; `item` is what stands there, where the request asked for it. */
export interface Refusal {
  at: number;
  item: unknown;
}

/**
 * Writes all items or none. Conflicts with other transactions and throttles are tried again with jitter.
 *
 * @returns the items whose condition failed; empty when all was written
 * @throws the SDK's error when DynamoDB cannot do it for another reason, or conflicts go on for about 3 s
 */
export async function transactWrite(
  store: Pick<Store<never>, 'document' | 'random' | 'clock'>,
  items: TransactItem[],
): Promise<Refusal[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await store.document.send(new TransactWriteCommand({ TransactItems: items }));
      return [];
    } catch (error) {
      if (!(error instanceof TransactionCanceledException)) throw error;
      const reasons = error.CancellationReasons ?? [];
      const refusals = reasons.flatMap((reason, at) =>
        reason.Code === 'ConditionalCheckFailed' ? [{ at, item: plainItem(reason.Item) }] : [],
      );
      if (refusals.length > 0) return refusals;
      const transient = reasons.some(({ Code }) => Code !== undefined && TRANSIENT_REASONS.has(Code));
      if (!transient || attempt === MAX_TRIES) throw error;
      await store.clock.sleep(store.random() * 25 * 2 ** attempt);
    }
  }
}

const attributeSchema = z.union([
  z.object({ S: z.string() }).transform(({ S }) => S),
  z.object({ N: z.string() }).transform(({ N }) => Number(N)),
  z.object({ BOOL: z.boolean() }).transform(({ BOOL }) => BOOL),
]);

/**
 * The scalar attributes of the item in a cancellation reason. The document client does not unmarshall those;
 * callers look at status and ids only.
 */
function plainItem(item: Record<string, unknown> | undefined): Record<string, unknown> | undefined {
  if (!item) return undefined;
  return Object.fromEntries(
    Object.entries(item).flatMap(([name, value]) => {
      const parsed = attributeSchema.safeParse(value);
      return parsed.success ? [[name, parsed.data]] : [];
    }),
  );
}
