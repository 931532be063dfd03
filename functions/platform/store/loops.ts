import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import { loopKey, loopPartition, siteName } from './keys.ts';
import { queryAll } from './listing.ts';
import type { Store } from './store.ts';

/** Schedule of the loop: whether a next poll is due, and when. */
const scheduleSchema = z.object({
  generation: z.number(),
  nextPollAtMs: z.number(),
  active: z.boolean(),
  idle: z.boolean(),
  emptyPolls: z.number(),
  /**
   * True while launches wait for slots that may become free at any time. Each poll then sends the next one when it
   * begins, and fast polls run between the polls.
   */
  fastPolling: z.boolean().optional(),
  /** Counts the fast polls. */
  fastGeneration: z.number().optional(),
});

/** State that the observing half of a poll keeps from earlier polls. */
const observedSchema = z.object({
  /** Time at which a poll of the loop, not a fast poll, last called the cloud. */
  polledAtMs: z.number().optional(),
  /** Time of the last full poll. `entries`: the number of entries that the site had then. */
  fullAtMs: z.number().optional(),
  entries: z.number().optional(),
  /** Time at which a list of the site last failed or took too long; 0: the latest list succeeded. */
  listFailedAtMs: z.number().optional(),
  /** True if the latest list showed none of the expected machines, and was therefore not believed. */
  isDoubted: z.boolean().optional(),
  /** While lists fail: the last entry whose machine was read by itself. The next poll continues after it. */
  askedUpTo: z.string().optional(),
});

/** State that determines the time of the next poll. */
const paceSchema = z.object({
  /** The shortest time from a create call to Running that was seen here. */
  fastestMs: z.number().optional(),
});

/** State that the releasing half of a poll keeps about the launch queue. */
const lineSchema = z.object({
  /** Time of the last queue scan. */
  queueScanAtMs: z.number().optional(),
});

/**
 * The poll loop of a site; each group of fields belongs to one phase of a poll. At most one poll is due at a time: the
 * one with this item's generation. While the loop is `active`, each poll sends the next one. Otherwise the schedule
 * starts one each minute, unless `idle` says that no more polls are needed.
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

export interface LoopRef {
  driver: string;
  connectionKey: string;
  location: string;
}

/** Interval of polls while something at the site is in transition. */
export const POLL_INTERVAL_MS = 5_000;
/** Shortest interval of polls: the message queue has no shorter delay. */
export const SHORTEST_POLL_MS = 1_000;
/**
 * A poll that is this late is lost: its message is gone or its worker died. Another worker may then restart the loop.
 */
export const POLL_OVERDUE_MS = 30_000;

/** Tries to start a loop. If a loop ends between the two writes of one try, the next try starts it. */
const START_TRIES = 3;

/**
 * Starts the loop, unless it is active and on time. An active loop's count of empty polls is reset: earlier polls do
 * not end it then.
 *
 * @param emptyPolls number of polls in a row that count as having found nothing in transition; the loop ends after the
 *   second
 * @returns the generation of the poll to send; undefined if the loop is running already
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
 * Takes the poll of a generation: a message that is delivered twice then polls once.
 *
 * @returns the loop with the next generation; undefined if this poll was taken already
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
 * Starts a chain of fast polls. Polls of an earlier chain are refused from then on.
 *
 * @returns the generation of the first poll; undefined if fast polls have ended
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
 * Takes a fast poll.
 *
 * @returns the loop, with the generation of the next fast poll; undefined if this one was taken already, or fast polls
 *   have ended
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
 * Schedules the next poll. @returns false if the loop was restarted since this poll was taken; nothing is written then
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
 * Ends the loop after a poll that found nothing.
 *
 * @param loop as it was when the poll was taken
 * @returns false if the loop was restarted since, or its count of empty polls was reset; the loop continues
 * then
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
 * Lists the loops of a driver's sites, idle ones left out. Reads one partition per driver, with some 400 bytes for each
 * site.
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

/** Lists the locations where a connection has, or had, anything to poll. */
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
