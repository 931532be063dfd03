import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import { loopKey, loopPartition, siteName } from './keys.ts';
import { queryAll } from './listing.ts';
import type { Store } from './store.ts';

/** When the next poll is due, and whether there is one. */
const scheduleSchema = z.object({
  generation: z.number(),
  nextPollAtMs: z.number(),
  active: z.boolean(),
  idle: z.boolean(),
  emptyPolls: z.number(),
  /**
   * Launches wait for slots that may come free at any time: the next poll is sent when this one begins, and fast polls
   * go between.
   */
  fastPolling: z.boolean().optional(),
  /** Counts the fast polls. */
  fastGeneration: z.number().optional(),
});

/** What observing goes on from: how far the cloud's list, or what is asked for by itself, came the last time. */
const observedSchema = z.object({
  /** When the cloud was last asked by a poll of the loop's own. */
  polledAtMs: z.number().optional(),
  /** When the last full poll was, and how many entries the site had then. */
  fullAtMs: z.number().optional(),
  entries: z.number().optional(),
  /** When the list of the site last did not come; 0: the latest did. */
  listFailedAtMs: z.number().optional(),
  /** The generation of the latest poll whose list showed nothing that was expected, and was not believed. */
  doubtedGeneration: z.number().optional(),
  /** Up to which entry machines were asked for by themselves, while it does not. */
  askedUpTo: z.string().optional(),
});

/** What deciding when to poll again goes by. */
const paceSchema = z.object({
  /** The shortest time from a create call to Running of those seen here. */
  fastestMs: z.number().optional(),
});

/** What releasing goes by: the queued launches. */
const lineSchema = z.object({
  /** When the launch queue was last scanned. */
  queueScanAtMs: z.number().optional(),
});

/**
 * The poll loop of a site, by the phase of a poll that each field belongs to. At most one poll is due at a time: the
 * one whose generation stands here. A loop is `active` while it sends itself its next poll; else the schedule starts
 * one each minute, as long as `idle` is not set, which says that nothing is left to look at.
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
/** The shortest delay of the message queue. */
export const SHORTEST_POLL_MS = 1_000;
/** A due poll that is this late is lost (its message, or its worker): another worker may start the loop again. */
export const POLL_OVERDUE_MS = 30_000;

/** An ending that crosses a start is seen in the next try. */
const START_TRIES = 3;

/**
 * Starts the loop, unless it is active and on time: then it is told that there is something new to see, so that it
 * does not end by what it saw before.
 *
 * @param emptyPolls how many polls in a row found nothing in transition; after the second the loop ends
 * @returns the generation of the poll to send; undefined when the loop runs already
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
 * Takes the poll of a generation, so that its message, delivered twice, polls once.
 *
 * @returns the loop as it stands with the next generation; undefined when this poll was taken already
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
 * Starts a chain of fast polls. The generation of an earlier chain is over then.
 *
 * @returns the generation of the first; undefined when fast polls have ended
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
 * @returns the loop, with the generation of the next fast poll; undefined when this one was taken already, or fast
 *   polls have ended
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

/** Schedules the next poll; refused when the loop was started again meanwhile. */
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
 * @param loop as the poll was taken
 * @returns false when it was started anew meanwhile, or told of something new to see: it goes on
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

/** Lists the loops of a driver's sites, idle ones left out. One partition per driver, some 400 bytes a site. */
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

/** Lists locations where a connection has, or had, anything to poll. */
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
