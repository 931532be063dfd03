import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import { fleetStatusSchema } from '../model/status.ts';
import type { Store } from './client.ts';
import { BY_NAMESPACE_INDEX, namespacePartition } from './keys.ts';

const entrySchema = z.object({ status: fleetStatusSchema, connections: z.array(z.string()) });

/**
 * Whether a namespace has a fleet that is not over, on one connection or on any. Reads the index of the namespace,
 * whose entries are small, to the first such fleet.
 */
export async function hasLiveFleets(
  store: Store<'fleets'>,
  namespace: string,
  connection?: string,
): Promise<boolean> {
  let start: Record<string, unknown> | undefined;
  do {
    const page = await store.document.send(
      new QueryCommand({
        TableName: store.tables.fleets,
        IndexName: BY_NAMESPACE_INDEX,
        KeyConditionExpression: 'nsPk = :ns',
        ExpressionAttributeValues: { ':ns': namespacePartition(namespace) },
        ScanIndexForward: false,
        ...(start ? { ExclusiveStartKey: start } : {}),
      }),
    );
    const live = z
      .array(entrySchema)
      .parse(page.Items ?? [])
      .some(
        ({ status, connections }) =>
          status !== 'Terminated' &&
          status !== 'RolledBack' &&
          (connection === undefined || connections.includes(connection)),
      );
    if (live) return true;
    start = page.LastEvaluatedKey;
  } while (start);
  return false;
}
