import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { fleetStatusSchema, isOver } from '../../model/status.ts';
import { BY_NAMESPACE_INDEX, nameKey, namespacePartition } from './keys.ts';
import { queryAll } from './listing.ts';
import type { Store } from './store.ts';

/**
 * One page reads at most `ENTRIES_PER_QUERY` × `INDEX_QUERIES_PER_PAGE` entries of the index. Ended fleets stay in the
 * index, so a page may read many entries that it does not return.
 */
const ENTRIES_PER_QUERY = 100;
const INDEX_QUERIES_PER_PAGE = 10;

const lockSchema = z.object({ fleetId: z.string(), connections: z.array(z.string()) });

const liveFleetSchema = lockSchema.extend({
  name: z.string(),
  status: fleetStatusSchema,
});
export type LiveFleet = Pick<z.infer<typeof liveFleetSchema>, 'fleetId' | 'name' | 'connections' | 'status'>;

/** Returns true if a fleet uses a connection of this name, also if another namespace shares that connection. */
export const usesConnection = ({ connections }: Pick<LiveFleet, 'connections'>, name: string): boolean =>
  connections.some((word) => word === name || word.endsWith(`/${name}`));

/**
 * Lists the live fleets of a namespace, newest first. A fleet is live until it has ended.
 *
 * @param from id of the fleet to begin with; undefined: the newest fleet
 * @returns at most `count` fleets, and the last id that was read if there may be more
 */
export async function liveFleetsFrom(
  store: Store<'fleets'>,
  namespace: string,
  from: string | undefined,
  count: number,
): Promise<{ fleets: LiveFleet[]; last: string | undefined }> {
  const fleets: LiveFleet[] = [];
  let start: Record<string, unknown> | undefined;
  for (let queries = 0; queries < INDEX_QUERIES_PER_PAGE; queries += 1) {
    const page = await store.document.send(
      new QueryCommand({
        TableName: store.tables.fleets,
        IndexName: BY_NAMESPACE_INDEX,
        KeyConditionExpression: from ? 'nsPk = :ns AND nsSk <= :from' : 'nsPk = :ns',
        ExpressionAttributeValues: {
          ':ns': namespacePartition(namespace),
          ...(from ? { ':from': from } : {}),
        },
        ScanIndexForward: false,
        Limit: ENTRIES_PER_QUERY,
        ...(start ? { ExclusiveStartKey: start } : {}),
      }),
    );
    for (const entry of z.array(liveFleetSchema).parse(page.Items ?? [])) {
      if (isOver(entry.status)) continue;
      fleets.push(entry);
      if (fleets.length === count) return { fleets, last: entry.fleetId };
    }
    start = page.LastEvaluatedKey;
    if (!start) return { fleets, last: undefined };
  }
  return { fleets, last: z.string().optional().parse(start?.['nsSk']) };
}

/**
 * Returns true if a namespace has a live fleet that uses the given connection, or any connection if none is given.
 *
 * @param connection the connection's word in the namespace (`connectionWord`)
 */
export async function hasLiveFleets(
  store: Store<'fleets'>,
  namespace: string,
  connection?: string,
): Promise<boolean> {
  return (await liveFleetIds(store, namespace, connection)).length > 0;
}

/**
 * Returns the ids of a namespace's live fleets that use the given connection, or any connection if none is given. Reads
 * the name locks of the namespace with strongly consistent reads, because a lock exists exactly as long as its fleet is
 * live.
 *
 * @param connection the connection's word in the namespace (`connectionWord`)
 */
export async function liveFleetIds(
  store: Store<'fleets'>,
  namespace: string,
  connection?: string,
): Promise<string[]> {
  const { pk, sk: prefix } = nameKey(namespace, '');
  const locks = await queryAll(store, store.tables.fleets, { pk, prefix, consistent: true }, (item) =>
    lockSchema.parse(item),
  );
  return locks
    .filter(({ connections }) => connection === undefined || connections.includes(connection))
    .map(({ fleetId }) => fleetId);
}
