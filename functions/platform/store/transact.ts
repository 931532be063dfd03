import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { TransactWriteCommand, type TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { TRANSIENT_REASONS } from '../runtime/transient.ts';
import type { Store } from './store.ts';

export type TransactItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/** Maximum number of items that DynamoDB accepts in one transaction. */
export const MAX_TRANSACT_ITEMS = 100;

const MAX_TRIES = 8;

/**
 * A write of a transaction whose condition failed. `at` is the index of the write. `item` is the stored item, if the
 * write asked for it.
 */
export interface Refusal {
  at: number;
  item: unknown;
}

/**
 * Writes all items or none. After a throttle or a conflict with another transaction, it tries again after a random
 * pause.
 *
 * @returns the writes whose condition failed; empty if all items were written
 * @throws the SDK's error if the transaction fails for another reason, or if throttles or conflicts last for about 3 s
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
 * Returns the scalar attributes of the item in a cancellation reason. The document client does not unmarshall that
 * item, and callers read only its status and ids.
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
