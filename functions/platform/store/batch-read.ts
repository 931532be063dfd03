import { BatchGetCommand } from '@aws-sdk/lib-dynamodb';
import type { Key } from './keys.ts';
import type { Store } from './store.ts';

/** Maximum number of keys that DynamoDB accepts in one batch read. */
export const MAX_BATCH_READ = 100;

/**
 * Reads items by their keys, with consistent reads. Asks again for keys that DynamoDB has not processed.
 *
 * @param keys at most `MAX_BATCH_READ` different ones
 * @returns the items that exist, in any order
 */
export async function readConsistently(
  store: Pick<Store<never>, 'document'>,
  table: string,
  keys: readonly Key[],
): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  let left: Record<string, unknown>[] = keys.map((key) => ({ ...key }));
  while (left.length > 0) {
    const { Responses, UnprocessedKeys } = await store.document.send(
      new BatchGetCommand({ RequestItems: { [table]: { Keys: left, ConsistentRead: true } } }),
    );
    found.push(...(Responses?.[table] ?? []));
    left = UnprocessedKeys?.[table]?.Keys ?? [];
  }
  return found;
}
