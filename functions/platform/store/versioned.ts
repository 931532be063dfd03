import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import type { Key } from './keys.ts';
import type { Store } from './store.ts';

const MAX_TRIES = 12;
const MAX_PAUSE_MS = 1_500;

/** Thrown if other workers changed the item during every attempt. The caller should repeat its work later. */
export class Contended extends Error {
  override readonly name = 'Contended';
}

const versionSchema = z.object({ version: z.number() });

/** An item as the caller has read it. `updateVersioned` can start from it without another read. */
export interface Known<State> {
  version: number;
  state: State | undefined;
}

/** A table whose items have versions. */
export interface VersionedTable extends Pick<Store<never>, 'document' | 'clock' | 'random'> {
  tableName: string;
}

const governorOf = (store: Store<'governor'>): VersionedTable => ({
  ...store,
  tableName: store.tables.governor,
});

/**
 * Reads an item of the governor's table, calls `decide` for the next state, and writes that state. If another worker
 * has written the item after the read, the function begins again with the read. Without contention, this takes one
 * strongly consistent read and one conditional write.
 *
 * @param schema schema of the state; the item stores its encoded form
 * @param decide must be pure, because it may run several times. If it returns no state, nothing is written
 * @param known the item as the caller has just read it; absent: this function reads it
 * @throws Contended if other workers changed the item during every attempt
 */
export async function updateVersioned<State extends Record<string, unknown>, Answer>(
  store: Store<'governor'>,
  key: Key,
  schema: z.ZodType<State, Record<string, unknown>>,
  decide: (current: State | undefined) => { state: State | undefined; answer: Answer },
  known?: Known<State>,
): Promise<Answer> {
  return await updateVersionedIn(governorOf(store), key, schema, decide, known);
}

/** Updates an item as `updateVersioned` does, in any table. */
export async function updateVersionedIn<State extends Record<string, unknown>, Answer>(
  table: VersionedTable,
  key: Key,
  schema: z.ZodType<State, Record<string, unknown>>,
  decide: (current: State | undefined) => { state: State | undefined; answer: Answer },
  known?: Known<State>,
): Promise<Answer> {
  for (let attempt = 1; attempt <= MAX_TRIES; attempt += 1) {
    const { version, state: current } =
      attempt === 1 && known ? known : await readKnownIn(table, key, schema);
    const { state, answer } = decide(current);
    if (state === undefined) return answer;
    try {
      await table.document.send(
        new PutCommand({
          TableName: table.tableName,
          Item: { ...z.encode(schema, state), ...key, version: version + 1 },
          ConditionExpression: version === 0 ? 'attribute_not_exists(pk)' : 'version = :version',
          ...(version === 0 ? {} : { ExpressionAttributeValues: { ':version': version } }),
        }),
      );
      return answer;
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      // Of the workers that compete for the item, only one can write each version. The random pauses grow, so that all
      // workers succeed one after the other.
      await table.clock.sleep(table.random() * Math.min(MAX_PAUSE_MS, 25 * 2 ** attempt));
    }
  }
  throw new Contended(
    `item ${key.pk}/${key.sk} was not written: other workers changed it ${MAX_TRIES} times in a row`,
  );
}

export async function readVersioned<State>(
  store: Store<'governor'>,
  key: Key,
  schema: z.ZodType<State>,
): Promise<State | undefined> {
  return (await readKnown(store, key, schema)).state;
}

/** Reads an item and its version with a strongly consistent read. */
export async function readKnown<State>(
  store: Store<'governor'>,
  key: Key,
  schema: z.ZodType<State>,
): Promise<Known<State>> {
  return await readKnownIn(governorOf(store), key, schema);
}

/** Reads an item as `readKnown` does, in any table. */
export async function readKnownIn<State>(
  { document, tableName }: VersionedTable,
  key: Key,
  schema: z.ZodType<State>,
): Promise<Known<State>> {
  const { Item } = await document.send(
    new GetCommand({ TableName: tableName, Key: key, ConsistentRead: true }),
  );
  return Item
    ? { version: versionSchema.parse(Item).version, state: schema.parse(Item) }
    : { version: 0, state: undefined };
}
