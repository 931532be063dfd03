import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { BatchWriteCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { wantedCreateSchema } from '../../model/wanted-create.ts';
import { launchMessageSchema } from '../workflow/messages.ts';
import { QUEUE_ENTRY_PREFIX, queueFleetKey, queuePartition, queueSortKey } from './keys.ts';
import type { Store } from './store.ts';

/**
 * Entry of a site's launch queue: a launch that waits for a permit. The launch message has been acknowledged. A worker
 * that later frees a slot sends the message again. Entries are sorted by their tags. Tags are virtual start times as in
 * start-time fair queueing, so that the launches of other fleets are served between the launches of a large
 * fleet.
 */
const queueEntrySchema = z.object({
  pk: z.string(),
  sk: z.string(),
  tag: z.number(),
  message: launchMessageSchema,
  wanted: wantedCreateSchema,
});
export type QueueEntry = z.infer<typeof queueEntrySchema>;

export interface QueueKey {
  connectionKey: string;
  location: string;
}

/** Time after which entries expire. No launch may take that long. */
const KEPT_SECONDS = 7 * 86_400;
const ITEMS_PER_WRITE = 25;
const MAX_TRIES = 5;
const PAGE = 1_000;
/**
 * Adds launches of one fleet to a site's queue.
 *
 * @param turn tag of the launch that was last served from the queue. If the fleet's latest tag is less than `turn`, the
 *   new tags begin after `turn`
 * @param step distance between the tags of the fleet's launches. It is smaller for a higher priority
 */
export async function addToQueue(
  store: Store<'governor'>,
  site: QueueKey,
  launches: readonly Pick<QueueEntry, 'message' | 'wanted'>[],
  { turn, step }: { turn: number; step: number },
): Promise<void> {
  const [first] = launches;
  if (!first) return;
  const last = await takeTags(store, site, first.wanted.fleetId, { turn, by: step * launches.length });
  const expiresAt = Math.ceil(store.clock.now() / 1_000) + KEPT_SECONDS;
  const items = launches.map(({ message, wanted }, at) => {
    const tag = last - step * (launches.length - 1 - at);
    const key = { pk: queuePartition(site), sk: queueSortKey(tag, wanted.instanceId) };
    return { ...key, tag, message, wanted, expiresAt };
  });
  await writeAll(
    store,
    items.map((Item) => ({ PutRequest: { Item } })),
  );
}

/**
 * Advances the fleet's latest tag at this site by `by`. If that tag is less than `turn`, it is advanced from `turn`
 * instead.
 * @returns the new tag
 */
async function takeTags(
  store: Store<'governor'>,
  site: QueueKey,
  fleetId: string,
  { turn, by }: { turn: number; by: number },
): Promise<number> {
  const goesOn = {
    UpdateExpression: 'SET lastTag = lastTag + :by',
    ConditionExpression: 'lastTag >= :turn',
    ExpressionAttributeValues: { ':by': by, ':turn': turn },
  };
  const expiresAt = Math.ceil(store.clock.now() / 1_000) + KEPT_SECONDS;
  const begins = {
    UpdateExpression: 'SET lastTag = :last, expiresAt = :expires',
    ConditionExpression: 'attribute_not_exists(lastTag) OR lastTag < :turn',
    ExpressionAttributeValues: { ':last': turn + by, ':turn': turn, ':expires': expiresAt },
  };
  for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
    for (const update of [goesOn, begins]) {
      try {
        const { Attributes } = await store.document.send(
          new UpdateCommand({
            ...update,
            TableName: store.tables.governor,
            Key: queueFleetKey(site, fleetId),
            ReturnValues: 'ALL_NEW',
          }),
        );
        return z.object({ lastTag: z.number() }).parse(Attributes).lastTag;
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    }
  }
  // Other workers changed the tag during every attempt. A tag near `turn` keeps the order fair enough.
  return turn + by;
}

/**
 * Reads the head of a site's launch queue with strongly consistent reads, the next launch first.
 *
 * @returns at most `limit` entries, in order, and at least one if the queue is not empty. There may be fewer than
 *   `limit` although more are queued
 */
export async function readQueueHead(
  store: Store<'governor'>,
  site: QueueKey,
  limit: number,
): Promise<QueueEntry[]> {
  return (await readPage(store, queuePartition(site), limit)).items;
}

/** Reads the whole launch queue with strongly consistent reads, the next launch first. */
export async function readQueue(store: Store<'governor'>, site: QueueKey): Promise<QueueEntry[]> {
  const items: QueueEntry[] = [];
  let start: Record<string, unknown> | undefined;
  do {
    const page = await readPage(store, queuePartition(site), PAGE, start);
    items.push(...page.items);
    start = page.next;
  } while (start);
  return items;
}

const countedSchema = z.object({ wanted: z.object({ fleetId: z.string() }) });

/** Counts the queued launches of each fleet. The fleets are in the order of their first launches in the queue. */
export async function countQueued(store: Store<'governor'>, site: QueueKey): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const { wanted } of await readCounted(store, queuePartition(site)))
    counts.set(wanted.fleetId, (counts.get(wanted.fleetId) ?? 0) + 1);
  return counts;
}

async function readCounted(store: Store<'governor'>, pk: string): Promise<z.infer<typeof countedSchema>[]> {
  const entries: z.infer<typeof countedSchema>[] = [];
  let start: Record<string, unknown> | undefined;
  do {
    const { Items, LastEvaluatedKey } = await store.document.send(
      new QueryCommand({
        TableName: store.tables.governor,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
        ProjectionExpression: 'wanted.fleetId',
        ExpressionAttributeValues: { ':pk': pk, ':prefix': QUEUE_ENTRY_PREFIX },
        ...(start ? { ExclusiveStartKey: start } : {}),
      }),
    );
    entries.push(...z.array(countedSchema).parse(Items ?? []));
    start = LastEvaluatedKey;
  } while (start);
  return entries;
}

async function readPage(
  store: Store<'governor'>,
  pk: string,
  limit: number,
  start?: Record<string, unknown>,
): Promise<{ items: QueueEntry[]; next: Record<string, unknown> | undefined }> {
  const { Items, LastEvaluatedKey } = await store.document.send(
    new QueryCommand({
      TableName: store.tables.governor,
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
      ExpressionAttributeValues: { ':pk': pk, ':prefix': QUEUE_ENTRY_PREFIX },
      ConsistentRead: true,
      Limit: limit,
      ...(start ? { ExclusiveStartKey: start } : {}),
    }),
  );
  return { items: z.array(queueEntrySchema).parse(Items ?? []), next: LastEvaluatedKey };
}

/** Removes entries from the queue. The caller must have sent their messages. */
export async function removeFromQueue(
  store: Store<'governor'>,
  items: readonly Pick<QueueEntry, 'pk' | 'sk'>[],
): Promise<void> {
  await writeAll(
    store,
    items.map(({ pk, sk }) => ({ DeleteRequest: { Key: { pk, sk } } })),
  );
}

type WriteRequest = NonNullable<
  NonNullable<ConstructorParameters<typeof BatchWriteCommand>[0]['RequestItems']>[string]
>[number];

async function writeAll(store: Store<'governor'>, requests: readonly WriteRequest[]): Promise<void> {
  for (let at = 0; at < requests.length; at += ITEMS_PER_WRITE) {
    let rest: WriteRequest[] = requests.slice(at, at + ITEMS_PER_WRITE);
    for (let attempt = 1; rest.length > 0; attempt += 1) {
      const { UnprocessedItems } = await store.document.send(
        new BatchWriteCommand({ RequestItems: { [store.tables.governor]: rest } }),
      );
      rest = UnprocessedItems?.[store.tables.governor] ?? [];
      if (rest.length > 0) await store.clock.sleep(store.random() * 25 * 2 ** attempt);
    }
  }
}
