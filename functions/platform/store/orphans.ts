import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { nameSchema } from '../../model/identifiers.ts';
import { isClosedOrphan, orphanSchema, orphanStateSchema } from '../../model/orphan.ts';
import { orphanKey, orphanPartition } from './keys.ts';
import { type Page, type PageRequest, queryAll, queryPage } from './listing.ts';
import type { Store } from './store.ts';

/**
 * A finding of a sweep. Each change of its state is written here first, then announced (audit log and event).
 * `announced` is the last announced state. If it differs from the finding's state, the next sweep announces the latter.
 */
const orphanItemSchema = orphanSchema.extend({
  connectionKey: z.string(),
  namespace: nameSchema,
  launchToken: z.string().optional(),
  announced: orphanStateSchema.optional(),
  version: z.number(),
});
export type OrphanItem = z.infer<typeof orphanItemSchema>;

/** Times for which a closed and an open finding are kept after their last write. */
const CLOSED_KEPT_SECONDS = 30 * 86_400;
const OPEN_KEPT_SECONDS = 400 * 86_400;

/** Reads all findings of a connection at a location, including closed findings, with strongly consistent reads. */
export async function readSiteOrphans(
  store: Store<'fleets'>,
  connectionKey: string,
  location: string,
): Promise<OrphanItem[]> {
  const items: OrphanItem[] = [];
  let start: Record<string, unknown> | undefined;
  do {
    const page = await store.document.send(
      new QueryCommand({
        TableName: store.tables.fleets,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :site)',
        ExpressionAttributeValues: { ':pk': orphanPartition(connectionKey), ':site': `${location}#` },
        ConsistentRead: true,
        ...(start ? { ExclusiveStartKey: start } : {}),
      }),
    );
    items.push(...z.array(orphanItemSchema).parse(page.Items ?? []));
    start = page.LastEvaluatedKey;
  } while (start);
  return items;
}

/** Lists a page of a connection's findings in the order of their locations, including closed findings. */
export async function listOrphans(
  store: Store<'fleets'>,
  connectionKey: string,
  page: PageRequest,
): Promise<Page<OrphanItem>> {
  const keys = { pk: orphanPartition(connectionKey), prefix: '' };
  return await queryPage(store, store.tables.fleets, keys, page, (item) => orphanItemSchema.parse(item));
}

/** Lists the locations at which a connection has findings. */
export async function orphanLocations(store: Store<'fleets'>, connectionKey: string): Promise<string[]> {
  const keys = { pk: orphanPartition(connectionKey), prefix: '' };
  const schema = z.object({ location: z.string() });
  const items = await queryAll(store, store.tables.fleets, keys, (item) => schema.parse(item));
  return [...new Set(items.map(({ location }) => location))];
}

/**
 * Writes a finding, if the stored finding is still `previous`.
 *
 * @returns the finding as it was written; undefined if another worker had changed it first
 */
export async function writeOrphan(
  store: Store<'fleets'>,
  next: Omit<OrphanItem, 'version'>,
  previous: OrphanItem | undefined,
): Promise<OrphanItem | undefined> {
  const item = { ...next, version: (previous?.version ?? 0) + 1 };
  const keptSeconds = isClosedOrphan(item.state) ? CLOSED_KEPT_SECONDS : OPEN_KEPT_SECONDS;
  try {
    await store.document.send(
      new PutCommand({
        TableName: store.tables.fleets,
        Item: {
          ...orphanKey(item),
          ...item,
          expiresAt: Math.floor(store.clock.now() / 1_000) + keptSeconds,
        },
        ConditionExpression: previous ? 'version = :version' : 'attribute_not_exists(pk)',
        ...(previous ? { ExpressionAttributeValues: { ':version': previous.version } } : {}),
      }),
    );
    return item;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}
