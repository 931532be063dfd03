import { createHash } from 'node:crypto';
import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { MAX_UNKNOWN_WORDS, type UnknownWordsView } from '../../model/unknown-words.ts';
import { shapeOf } from '../../model/word-shape.ts';
import { isoTime } from '../runtime/clock.ts';
import { wordsKey, wordsPartition } from './keys.ts';
import { queryAll } from './listing.ts';
import type { Store } from './store.ts';
import { readKnown, updateVersioned } from './versioned.ts';

/** Time for which a text is kept after it was last seen. */
const KEPT_SECONDS = 30 * 86_400;
const LONGEST_SHAPE = 300;
const LONGEST_EXAMPLE = 500;
const LONGEST_CALL = 200;

/** One connection since it was created. A later connection of the same name has a partition of its own. */
export interface WordsOwner {
  connectionKey: string;
  createdAt: string;
}

/** An answer of a cloud that no table of the driver knows. */
export interface UnknownAnswer {
  call: string;
  code: string;
  message: string;
  location?: string | undefined;
}

const itemSchema = z.object({
  sk: z.string().optional(),
  shape: z.string(),
  call: z.string(),
  code: z.string(),
  count: z.number(),
  firstSeenMs: z.number(),
  lastSeenMs: z.number(),
  location: z.string().optional(),
  example: z.string(),
  expiresAt: z.number(),
});
const storedSchema = itemSchema.omit({ sk: true });
type Stored = z.infer<typeof storedSchema>;

/** Returns the id of the item that counts answers like this one. */
export function wordsId({ call, message }: UnknownAnswer): string {
  return createHash('sha256')
    .update(`${call}\n${shapeOf(message)}`)
    .digest('hex')
    .slice(0, 16);
}

/**
 * Counts answers of a cloud that no table knows. Keeps one example of each text, and at most MAX_UNKNOWN_WORDS texts for
 * a connection.
 *
 * @param times number of such answers since the last write
 */
export async function countUnknownWords(
  store: Store<'governor'>,
  owner: WordsOwner,
  answer: UnknownAnswer,
  times: number,
): Promise<void> {
  const id = wordsId(answer);
  const key = wordsKey(owner, id);
  const known = await readKnown(store, key, storedSchema);
  if (!known.state) await makeRoom(store, owner);
  await updateVersioned<Stored, void>(
    store,
    key,
    storedSchema,
    (current) => ({ state: counted(current, answer, times, store.clock.now()), answer: undefined }),
    known,
  );
}

function counted(
  current: Stored | undefined,
  { call, code, message, location }: UnknownAnswer,
  times: number,
  nowMs: number,
): Stored {
  return {
    shape: shapeOf(message).slice(0, LONGEST_SHAPE),
    call: call.slice(0, LONGEST_CALL),
    example: message.slice(0, LONGEST_EXAMPLE),
    firstSeenMs: nowMs,
    ...current,
    code,
    count: (current?.count ?? 0) + times,
    lastSeenMs: nowMs,
    ...(location === undefined ? {} : { location }),
    expiresAt: Math.ceil(nowMs / 1_000) + KEPT_SECONDS,
  };
}

/** Removes the texts that were seen last longest ago, so that a further text has room. */
async function makeRoom(store: Store<'governor'>, owner: WordsOwner): Promise<void> {
  const items = await readItems(store, owner);
  const surplus = items
    .toSorted((one, other) => other.lastSeenMs - one.lastSeenMs)
    .slice(MAX_UNKNOWN_WORDS - 1);
  for (const { sk = '' } of surplus) {
    await store.document.send(
      new DeleteCommand({ TableName: store.tables.governor, Key: { pk: wordsPartition(owner), sk } }),
    );
  }
}

async function readItems(store: Store<'governor'>, owner: WordsOwner): Promise<z.infer<typeof itemSchema>[]> {
  const range = { pk: wordsPartition(owner), prefix: '' };
  return await queryAll(store, store.tables.governor, range, (item) => itemSchema.parse(item));
}

/** Reads the texts of a connection's cloud that no table knows, the latest first. */
export async function readUnknownWords(
  store: Store<'governor'>,
  owner: WordsOwner,
): Promise<UnknownWordsView> {
  const nowSeconds = store.clock.now() / 1_000;
  const items = await readItems(store, owner);
  return {
    items: items
      .filter(({ expiresAt }) => expiresAt > nowSeconds)
      .toSorted((one, other) => other.lastSeenMs - one.lastSeenMs)
      .slice(0, MAX_UNKNOWN_WORDS)
      .map(({ shape, call, code, count, firstSeenMs, lastSeenMs, location, example }) => ({
        shape,
        call,
        code,
        count,
        firstSeenAt: isoTime(firstSeenMs),
        lastSeenAt: isoTime(lastSeenMs),
        ...(location === undefined ? {} : { location }),
        example,
      })),
  };
}
