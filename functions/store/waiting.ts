import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { BatchWriteCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import { wantedCreateSchema } from '../governor/place-state.ts';
import { launchMessageSchema } from '../workflow/messages.ts';
import type { Store } from './client.ts';
import { WAITING_PREFIX, waitingFleetKey, waitingKey, waitingPartition } from './keys.ts';

/**
 * A launch that waits for its turn at a place. Its message has left the queue; whoever frees what it waits for sends it
 * again. Rows are sorted by their tags: the turns of start-time fair queueing, in which each fleet's next launch comes
 * after those that other fleets have asked for meanwhile, however many its own are.
 */
const waitingItemSchema = z.object({
  pk: z.string(),
  sk: z.string(),
  tag: z.number(),
  message: launchMessageSchema,
  wanted: wantedCreateSchema,
});
export type WaitingItem = z.infer<typeof waitingItemSchema>;

export interface WaitingPlace {
  connectionKey: string;
  location: string;
}

/** Rows that nobody came for are gone after this: longer than any launch may take. */
const KEPT_SECONDS = 7 * 86_400;
const ITEMS_PER_WRITE = 25;
const MAX_TRIES = 5;
const PAGE = 1_000;

/**
 * Puts launches of one fleet in line.
 *
 * @param turn the place's present turn: a fleet that has not waited lately begins there
 * @param step how far apart the fleet's launches stand: less for a higher priority
 */
export async function addWaiting(
  store: Store<'governor'>,
  place: WaitingPlace,
  launches: readonly Pick<WaitingItem, 'message' | 'wanted'>[],
  { turn, step }: { turn: number; step: number },
): Promise<void> {
  const [first] = launches;
  if (!first) return;
  const last = await takeTags(store, place, first.wanted.fleetId, { turn, by: step * launches.length });
  const expiresAt = Math.ceil(store.clock.now() / 1_000) + KEPT_SECONDS;
  const items = launches.map(({ message, wanted }, at) => {
    const tag = last - step * (launches.length - 1 - at);
    return { ...waitingKey(place, tag, wanted.instanceId), tag, message, wanted, expiresAt };
  });
  await writeAll(
    store,
    items.map((Item) => ({ PutRequest: { Item } })),
  );
}

/** @returns the fleet's latest tag at this place, `by` further than before and than the turn */
async function takeTags(
  store: Store<'governor'>,
  place: WaitingPlace,
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
            Key: waitingFleetKey(place, fleetId),
            ReturnValues: 'ALL_NEW',
          }),
        );
        return z.object({ lastTag: z.number() }).parse(Attributes).lastTag;
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    }
  }
  // Turn and tag overtook each other again and again: somewhere near the turn is good enough.
  return turn + by;
}

/** The first launches in line at a place, the next one first; read strongly. */
export async function readWaiting(
  store: Store<'governor'>,
  place: WaitingPlace,
  limit: number,
): Promise<WaitingItem[]> {
  return (await readPage(store, place, limit)).items;
}

/** The whole line; read strongly. */
export async function readAllWaiting(store: Store<'governor'>, place: WaitingPlace): Promise<WaitingItem[]> {
  const items: WaitingItem[] = [];
  let start: Record<string, unknown> | undefined;
  do {
    const page = await readPage(store, place, PAGE, start);
    items.push(...page.items);
    start = page.next;
  } while (start);
  return items;
}

const countedSchema = z.object({ wanted: z.object({ fleetId: z.string() }) });

/** How many launches of each fleet stand in line, the fleet of the next one first. */
export async function countWaiting(
  store: Store<'governor'>,
  place: WaitingPlace,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  let start: Record<string, unknown> | undefined;
  do {
    const { Items, LastEvaluatedKey } = await store.document.send(
      new QueryCommand({
        TableName: store.tables.governor,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
        ProjectionExpression: 'wanted.fleetId',
        ExpressionAttributeValues: { ':pk': waitingPartition(place), ':prefix': WAITING_PREFIX },
        ...(start ? { ExclusiveStartKey: start } : {}),
      }),
    );
    for (const { wanted } of z.array(countedSchema).parse(Items ?? []))
      counts.set(wanted.fleetId, (counts.get(wanted.fleetId) ?? 0) + 1);
    start = LastEvaluatedKey;
  } while (start);
  return counts;
}

async function readPage(
  store: Store<'governor'>,
  place: WaitingPlace,
  limit: number,
  start?: Record<string, unknown>,
): Promise<{ items: WaitingItem[]; next: Record<string, unknown> | undefined }> {
  const { Items, LastEvaluatedKey } = await store.document.send(
    new QueryCommand({
      TableName: store.tables.governor,
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
      ExpressionAttributeValues: { ':pk': waitingPartition(place), ':prefix': WAITING_PREFIX },
      ConsistentRead: true,
      Limit: limit,
      ...(start ? { ExclusiveStartKey: start } : {}),
    }),
  );
  return { items: z.array(waitingItemSchema).parse(Items ?? []), next: LastEvaluatedKey };
}

/** Takes launches out of the line, after their messages were sent. */
export async function removeWaiting(
  store: Store<'governor'>,
  items: readonly Pick<WaitingItem, 'pk' | 'sk'>[],
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
