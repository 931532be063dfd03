import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { ACTIVE_PARTITION, BY_ACTIVITY_INDEX, BY_NAMESPACE_INDEX, namespacePartition } from './keys.ts';
import type { Store } from './store.ts';

/** Lists a page of the ids of a namespace's fleets, newest first. The read is eventually consistent. */
export async function listFleetIds(
  store: Store<'fleets'>,
  namespace: string,
  { limit, after }: { limit: number; after?: string | undefined },
): Promise<{ fleetIds: string[]; last?: string }> {
  const page = await store.document.send(
    new QueryCommand({
      TableName: store.tables.fleets,
      IndexName: BY_NAMESPACE_INDEX,
      KeyConditionExpression: after ? 'nsPk = :ns AND nsSk < :after' : 'nsPk = :ns',
      ExpressionAttributeValues: {
        ':ns': namespacePartition(namespace),
        ...(after ? { ':after': after } : {}),
      },
      ScanIndexForward: false,
      Limit: limit,
    }),
  );
  const fleetIds = z
    .array(z.object({ fleetId: z.string() }))
    .parse(page.Items ?? [])
    .map((item) => item.fleetId);
  const last = fleetIds.at(-1);
  return { fleetIds, ...(page.LastEvaluatedKey && last ? { last } : {}) };
}

/**
 * Lists a page of the ids of active fleets. A fleet is active if it has work under way, a pending pause, or a hold with
 * an expiry time. The read is eventually consistent.
 */
export async function listActiveFleetIds(
  store: Store<'fleets'>,
  after?: string,
): Promise<{ fleetIds: string[]; last?: string }> {
  const page = await store.document.send(
    new QueryCommand({
      TableName: store.tables.fleets,
      IndexName: BY_ACTIVITY_INDEX,
      KeyConditionExpression: after ? 'activePk = :active AND activeSk > :after' : 'activePk = :active',
      ExpressionAttributeValues: { ':active': ACTIVE_PARTITION, ...(after ? { ':after': after } : {}) },
      Limit: 100,
    }),
  );
  const fleetIds = z
    .array(z.object({ activeSk: z.string() }))
    .parse(page.Items ?? [])
    .map(({ activeSk }) => activeSk);
  const last = fleetIds.at(-1);
  return { fleetIds, ...(page.LastEvaluatedKey && last ? { last } : {}) };
}
