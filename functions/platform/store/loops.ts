import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import type { Store } from './client.ts';
import { loopKey, loopPartition, placeName } from './keys.ts';
import { queryAll } from './listing.ts';

/** When the next poll is due, and whether there is one. */
const scheduleSchema = z.object({
  generation: z.number(),
  nextLookAtMs: z.number(),
  active: z.boolean(),
  idle: z.boolean(),
  emptyLooks: z.number(),
  /** Slots are waited for, and may come free at any time: the next look is sent when this one begins. */
  hurry: z.boolean().optional(),
  /** Counts the looks between the loop's own. */
  betweenGeneration: z.number().optional(),
});

/** What observing goes on from: how far the cloud's list, or what is asked for by itself, came the last time. */
const observedSchema = z.object({
  /** When the cloud was last asked by a look of the loop's own. */
  lookedAtMs: z.number().optional(),
  /** When everything at the place was last looked at, and how many entries it had then. */
  wholeAtMs: z.number().optional(),
  entries: z.number().optional(),
  /** When the list of the place last did not come; 0: the latest did. */
  listFailedAtMs: z.number().optional(),
  /** The generation of the latest look whose list showed nothing that was expected, and was not believed. */
  doubtedGeneration: z.number().optional(),
  /** Up to which entry machines were asked for by themselves, while it does not. */
  askedUpTo: z.string().optional(),
});

/** What deciding when to poll again goes by. */
const paceSchema = z.object({
  /** The shortest time from a create call to Running of those seen here. */
  fastestMs: z.number().optional(),
});

/** What releasing goes by: the launches in line. */
const lineSchema = z.object({
  /** When the line of waiting launches was last looked through. */
  rollCallAtMs: z.number().optional(),
});

/**
 * The status loop of a place, by the phase of a poll that each field belongs to. At most one look is due at a time: the
 * one whose generation stands here. A loop is `active` while it sends itself its next look; else the schedule starts one
 * each minute, as long as `idle` is not set, which says that nothing is left to look at.
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

/** How often a place is looked at while something there is in transition. */
export const LOOK_INTERVAL_MS = 5_000;
/** The shortest wait that the queue knows. */
export const SHORTEST_LOOK_MS = 1_000;
/** A due look that is this late is lost (its message, or the worker that had it): anyone may start anew. */
export const LOOK_OVERDUE_MS = 30_000;

/** An ending that crosses a start is seen in the next try. */
const START_TRIES = 3;

/**
 * Starts the loop, unless it is active and on time: then it is told that there is something new to see, so that it
 * does not end by what it saw before.
 *
 * @param emptyLooks how many looks in a row found nothing in transition; after the second the loop ends
 * @returns the generation of the look to send; undefined when the loop runs already
 */
export async function startLoop(
  store: Store<'governor'>,
  ref: LoopRef,
  nextLookAtMs: number,
  emptyLooks = 0,
): Promise<number | undefined> {
  for (let attempt = 1; attempt <= START_TRIES; attempt += 1) {
    const generation = await startResting(store, ref, nextLookAtMs, emptyLooks);
    if (generation !== undefined) return generation;
    const { Attributes } = await conditional(store, ref, {
      UpdateExpression: 'SET emptyLooks = :none',
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
  nextLookAtMs: number,
  emptyLooks: number,
): Promise<number | undefined> {
  const { Attributes } = await conditional(store, ref, {
    UpdateExpression:
      'SET connectionKey = :connection, #location = :location, nextLookAtMs = :next, active = :true, idle = :false, emptyLooks = :empty ADD generation :one',
    ConditionExpression: 'attribute_not_exists(pk) OR active = :false OR nextLookAtMs < :overdue',
    ExpressionAttributeNames: { '#location': 'location' },
    ExpressionAttributeValues: {
      ':connection': ref.connectionKey,
      ':location': ref.location,
      ':next': nextLookAtMs,
      ':true': true,
      ':false': false,
      ':empty': emptyLooks,
      ':one': 1,
      ':overdue': store.clock.now() - LOOK_OVERDUE_MS,
    },
  });
  return Attributes ? loopSchema.parse(Attributes).generation : undefined;
}

/**
 * Takes the look of a generation, so that its message, delivered twice, is looked at once.
 *
 * @returns the loop as it stands with the next generation; undefined when this look was taken already
 */
export async function takeLook(
  store: Store<'governor'>,
  ref: LoopRef,
  generation: number,
): Promise<Loop | undefined> {
  const { Attributes } = await conditional(store, ref, {
    UpdateExpression: 'SET nextLookAtMs = :now, active = :true ADD generation :one',
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
 * Begins to look between the loop's own looks. The generation of an earlier such chain is over then.
 *
 * @returns the generation of the first; undefined when nobody hurries any more
 */
export async function startBetween(store: Store<'governor'>, ref: LoopRef): Promise<number | undefined> {
  const { Attributes } = await conditional(store, ref, {
    UpdateExpression: 'ADD betweenGeneration :one',
    ConditionExpression: 'hurry = :true',
    ExpressionAttributeValues: { ':one': 1, ':true': true },
  });
  return Attributes ? loopSchema.parse(Attributes).betweenGeneration : undefined;
}

/**
 * Takes a look between two of the loop.
 *
 * @returns the loop, with the generation of the next such look; undefined when this one was taken already, or nobody
 * hurries any more
 */
export async function takeBetween(
  store: Store<'governor'>,
  ref: LoopRef,
  generation: number,
): Promise<(Loop & { betweenGeneration: number }) | undefined> {
  const { Attributes } = await conditional(store, ref, {
    UpdateExpression: 'ADD betweenGeneration :one',
    ConditionExpression: 'betweenGeneration = :generation AND hurry = :true',
    ExpressionAttributeValues: { ':one': 1, ':generation': generation, ':true': true },
  });
  if (!Attributes) return undefined;
  const loop = loopSchema.parse(Attributes);
  return { ...loop, betweenGeneration: loop.betweenGeneration ?? generation + 1 };
}

/** Sets what follows a look; refused when the loop was started anew meanwhile. */
export async function settleLook(
  store: Store<'governor'>,
  ref: LoopRef,
  generation: number,
  next: Omit<Loop, 'connectionKey' | 'location' | 'generation' | 'betweenGeneration'>,
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
 * Ends the loop after a look that found nothing.
 *
 * @param loop as the look was taken
 * @returns false when it was started anew meanwhile, or told of something new to see: it goes on
 */
export async function endLoop(
  store: Store<'governor'>,
  ref: LoopRef,
  { generation, emptyLooks }: Pick<Loop, 'generation' | 'emptyLooks'>,
  idle: boolean,
): Promise<boolean> {
  const { Attributes } = await conditional(store, ref, {
    UpdateExpression: 'SET nextLookAtMs = :now, active = :false, idle = :idle, emptyLooks = :more',
    ConditionExpression: 'generation = :generation AND emptyLooks = :seen',
    ExpressionAttributeValues: {
      ':now': store.clock.now(),
      ':false': false,
      ':idle': idle,
      ':more': emptyLooks + 1,
      ':generation': generation,
      ':seen': emptyLooks,
    },
  });
  return Attributes !== undefined;
}

/** The loops of a driver's places, idle ones left out. One partition per driver, some 400 bytes a place. */
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

/** Locations where a connection has, or had, anything to look at. */
export async function loopLocations(
  store: Store<'governor'>,
  driver: string,
  connectionKey: string,
): Promise<string[]> {
  const keys = { pk: loopPartition(driver), prefix: placeName(connectionKey, '') };
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
