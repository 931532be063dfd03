import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { GetCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { loopKey, loopPartition, siteName } from './keys.ts';
import { queryAll } from './listing.ts';
import type { Store } from './store.ts';

/** Schedule of the loop: whether another poll follows, and when. */
const scheduleSchema = z.object({
  generation: z.number(),
  nextPollAtMs: z.number(),
  active: z.boolean(),
  idle: z.boolean(),
  emptyPolls: z.number(),
  /**
   * True while launches wait for slots that may become free at any time. Each poll then sends the message of the next
   * poll as soon as the cloud has answered, before it writes the records. Fast polls run between these polls.
   */
  fastPolling: z.boolean().optional(),
  /** Generation of the fast polls. It grows with each fast poll. */
  fastGeneration: z.number().optional(),
});

/** What earlier polls observed, as far as the next poll needs it to list the site's machines. */
const observedSchema = z.object({
  /** Time at which a poll last called the cloud. Fast polls do not change it. */
  polledAtMs: z.number().optional(),
  /**
   * Time of the last poll that covered all instances of the site. `entries` is the number of these instances in the
   * index `bySite`.
   */
  fullAtMs: z.number().optional(),
  entries: z.number().optional(),
  /** Time at which a list call for the site last failed or took too long; 0: the latest list call succeeded. */
  listFailedAtMs: z.number().optional(),
  /** Number of list calls in a row that failed or took too long. */
  listFailures: z.number().optional(),
  /**
   * Why polls see nothing of the site, if the latest polls read neither a list nor single machines: the cloud's error,
   * and the time of the first of these polls. Null: the latest poll saw the site.
   */
  blind: z.object({ code: z.string(), message: z.string(), sinceMs: z.number() }).nullish(),
  /**
   * True if the poll did not trust the latest list, because the list showed none of the expected machines. If the next
   * list shows none of them either, it is trusted.
   */
  isDoubted: z.boolean().optional(),
  /**
   * While list calls fail, polls read machines one at a time. These are the ids of the instances in transition and at
   * rest whose machines were read last. The next poll continues after these instances.
   */
  askedUpTo: z.string().optional(),
  askedUpToAtRest: z.string().optional(),
  /**
   * Instance ids whose machines polls read after others while list calls fail, because they had no answer or their
   * removal was requested, each with the time.
   */
  deferredReads: z.record(z.string(), z.number()).optional(),
});

/** State that a poll needs to decide the time of the next poll. */
const paceSchema = z.object({
  /** Shortest time from a create call to Running at this site, as polls have seen it. */
  fastestMs: z.number().optional(),
});

/** State that a poll needs to serve the launch queue. */
const lineSchema = z.object({
  /** Time of the last queue scan. */
  queueScanAtMs: z.number().optional(),
});

/**
 * The item of a site's poll loop. A poll message is valid only if it has the `generation` of this item (a fast poll:
 * the `fastGeneration`). While the loop is `active`, each poll sends the message of the next poll. While the loop is
 * neither `active` nor `idle`, a scheduled function starts a poll each minute. An `idle` loop is not polled until a
 * worker starts it.
 */
const loopSchema = z.object({
  connectionKey: z.string(),
  location: z.string(),
  ...scheduleSchema.shape,
  ...observedSchema.shape,
  ...paceSchema.shape,
  ...lineSchema.shape,
});
export type Loop = z.infer<typeof loopSchema>;

/** Parses the item of a poll loop. */
export const parseLoop = (item: unknown): Loop => loopSchema.parse(item);

/** Reads the item of a site's poll loop. The read is eventually consistent. */
export async function readLoop(store: Store<'governor'>, ref: LoopRef): Promise<Loop | undefined> {
  const { Item } = await store.document.send(
    new GetCommand({
      TableName: store.tables.governor,
      Key: loopKey(ref.driver, ref.connectionKey, ref.location),
    }),
  );
  return Item ? loopSchema.parse(Item) : undefined;
}

export interface LoopRef {
  driver: string;
  connectionKey: string;
  location: string;
}

/** Shortest interval of polls, because the message queue has no shorter delay. */
export const SHORTEST_POLL_MS = 1_000;
/**
 * If a poll has not scheduled the next poll this long after its planned time or its start, it counts as lost: its
 * message is gone, or its worker died. Another worker may then restart the loop.
 */
export const POLL_OVERDUE_MS = 30_000;

/**
 * Maximum number of attempts to start a loop. If the loop ends between the two writes of an attempt, the next attempt
 * starts it.
 */
const START_TRIES = 3;

/**
 * Starts the loop, unless it is active and not overdue. For an active loop, the count of empty polls is set to 0, so
 * that a poll that has already been claimed cannot end the loop.
 *
 * @param emptyPolls initial number of empty polls. An empty poll is one that found nothing in transition. The loop ends
 *   after two empty polls in a row; with 1, the loop ends after one empty poll
 * @returns the generation for the poll message that the caller has to send; undefined if the loop runs already
 */
export async function startLoop(
  store: Store<'governor'>,
  ref: LoopRef,
  nextPollAtMs: number,
  emptyPolls = 0,
): Promise<number | undefined> {
  for (let attempt = 1; attempt <= START_TRIES; attempt += 1) {
    const generation = await startResting(store, ref, nextPollAtMs, emptyPolls);
    if (generation !== undefined) return generation;
    const { Attributes } = await conditional(store, ref, {
      UpdateExpression: 'SET emptyPolls = :none',
      ConditionExpression: 'active = :true',
      ExpressionAttributeValues: { ':none': 0, ':true': true },
    });
    if (Attributes) return undefined;
  }
  return undefined;
}

async function startResting(
  store: Store<'governor'>,
  ref: LoopRef,
  nextPollAtMs: number,
  emptyPolls: number,
): Promise<number | undefined> {
  const { Attributes } = await conditional(store, ref, {
    UpdateExpression:
      'SET connectionKey = :connection, #location = :location, nextPollAtMs = :next, active = :true, idle = :false, emptyPolls = :empty ADD generation :one',
    ConditionExpression: 'attribute_not_exists(pk) OR active = :false OR nextPollAtMs < :overdue',
    ExpressionAttributeNames: { '#location': 'location' },
    ExpressionAttributeValues: {
      ':connection': ref.connectionKey,
      ':location': ref.location,
      ':next': nextPollAtMs,
      ':true': true,
      ':false': false,
      ':empty': emptyPolls,
      ':one': 1,
      ':overdue': store.clock.now() - POLL_OVERDUE_MS,
    },
  });
  return Attributes ? loopSchema.parse(Attributes).generation : undefined;
}

/**
 * Claims the poll of a generation, so that a message that is delivered twice causes only one poll.
 *
 * @returns the loop with the next generation; undefined if this poll was claimed already
 */
export async function takePoll(
  store: Store<'governor'>,
  ref: LoopRef,
  generation: number,
): Promise<Loop | undefined> {
  const { Attributes } = await conditional(store, ref, {
    UpdateExpression: 'SET nextPollAtMs = :now, active = :true ADD generation :one',
    ConditionExpression: 'generation = :generation',
    ExpressionAttributeValues: {
      ':now': store.clock.now(),
      ':true': true,
      ':one': 1,
      ':generation': generation,
    },
  });
  return Attributes ? loopSchema.parse(Attributes) : undefined;
}

/**
 * Starts a chain of fast polls, each of which sends the next. From then on, polls of an earlier chain are refused.
 *
 * @returns the generation of the first fast poll; undefined if the loop is not in fast polling
 */
export async function startFastPolls(store: Store<'governor'>, ref: LoopRef): Promise<number | undefined> {
  const { Attributes } = await conditional(store, ref, {
    UpdateExpression: 'ADD fastGeneration :one',
    ConditionExpression: 'fastPolling = :true',
    ExpressionAttributeValues: { ':one': 1, ':true': true },
  });
  return Attributes ? loopSchema.parse(Attributes).fastGeneration : undefined;
}

/**
 * Claims a fast poll, so that a message that is delivered twice causes only one fast poll.
 *
 * @returns the loop, with the generation of the next fast poll; undefined if this fast poll was claimed already, or the
 *   loop is not in fast polling
 */
export async function takeFastPoll(
  store: Store<'governor'>,
  ref: LoopRef,
  generation: number,
): Promise<(Loop & { fastGeneration: number }) | undefined> {
  const { Attributes } = await conditional(store, ref, {
    UpdateExpression: 'ADD fastGeneration :one',
    ConditionExpression: 'fastGeneration = :generation AND fastPolling = :true',
    ExpressionAttributeValues: { ':one': 1, ':generation': generation, ':true': true },
  });
  if (!Attributes) return undefined;
  const loop = loopSchema.parse(Attributes);
  return { ...loop, fastGeneration: loop.fastGeneration ?? generation + 1 };
}

/**
 * Schedules the next poll. @returns false if the loop was restarted after this poll was claimed; nothing is written in
 * that case
 */
export async function scheduleNextPoll(
  store: Store<'governor'>,
  ref: LoopRef,
  generation: number,
  next: Omit<Loop, 'connectionKey' | 'location' | 'generation' | 'fastGeneration'>,
): Promise<boolean> {
  const known = Object.entries(next).filter(([, value]) => value !== undefined);
  const { Attributes } = await conditional(store, ref, {
    UpdateExpression: `SET ${known.map(([name]) => `#${name} = :${name}`).join(', ')}`,
    ConditionExpression: 'generation = :generation',
    ExpressionAttributeNames: Object.fromEntries(known.map(([name]) => [`#${name}`, name])),
    ExpressionAttributeValues: {
      ...Object.fromEntries(known.map(([name, value]) => [`:${name}`, value])),
      ':generation': generation,
    },
  });
  return Attributes !== undefined;
}

/**
 * Ends the loop after a poll that found nothing in transition.
 *
 * @param loop the loop as it was when the poll was claimed
 * @param idle whether the site needs no polls until a worker starts the loop again
 * @returns false if the loop was restarted, or its count of empty polls was reset, after the poll was claimed. The loop
 *   then continues
 */
export async function endLoop(
  store: Store<'governor'>,
  ref: LoopRef,
  { generation, emptyPolls }: Pick<Loop, 'generation' | 'emptyPolls'>,
  idle: boolean,
): Promise<boolean> {
  const { Attributes } = await conditional(store, ref, {
    UpdateExpression: 'SET nextPollAtMs = :now, active = :false, idle = :idle, emptyPolls = :more',
    ConditionExpression: 'generation = :generation AND emptyPolls = :seen',
    ExpressionAttributeValues: {
      ':now': store.clock.now(),
      ':false': false,
      ':idle': idle,
      ':more': emptyPolls + 1,
      ':generation': generation,
      ':seen': emptyPolls,
    },
  });
  return Attributes !== undefined;
}

/**
 * Lists the poll loops of a driver's sites, without idle loops. Reads the driver's whole partition, which has about 400
 * bytes for each site.
 */
export async function listLoops(store: Store<'governor'>, driver: string): Promise<Loop[]> {
  const loops: Loop[] = [];
  let start: Record<string, unknown> | undefined;
  do {
    const page = await store.document.send(
      new QueryCommand({
        TableName: store.tables.governor,
        KeyConditionExpression: 'pk = :pk',
        FilterExpression: 'idle = :false',
        ExpressionAttributeValues: { ':pk': loopPartition(driver), ':false': false },
        ...(start ? { ExclusiveStartKey: start } : {}),
      }),
    );
    loops.push(...z.array(loopSchema).parse(page.Items ?? []));
    start = page.LastEvaluatedKey;
  } while (start);
  return loops;
}

/** Lists the locations where a connection has a poll loop, idle or not. */
export async function loopLocations(
  store: Store<'governor'>,
  driver: string,
  connectionKey: string,
): Promise<string[]> {
  const keys = { pk: loopPartition(driver), prefix: siteName(connectionKey, '') };
  const loops = await queryAll(store, store.tables.governor, keys, (item) => loopSchema.parse(item));
  return loops.map(({ location }) => location);
}

type ConditionalUpdate = Omit<
  ConstructorParameters<typeof UpdateCommand>[0],
  'TableName' | 'Key' | 'ReturnValues'
>;

async function conditional(
  store: Store<'governor'>,
  ref: LoopRef,
  update: ConditionalUpdate,
): Promise<{ Attributes?: Record<string, unknown> | undefined }> {
  try {
    return await store.document.send(
      new UpdateCommand({
        ...update,
        TableName: store.tables.governor,
        Key: loopKey(ref.driver, ref.connectionKey, ref.location),
        ReturnValues: 'ALL_NEW',
      }),
    );
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return {};
    throw error;
  }
}
