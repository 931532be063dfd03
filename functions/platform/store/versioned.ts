import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import type { Key } from './keys.ts';
import type { Store } from './store.ts';

const MAX_TRIES = 12;
const MAX_PAUSE_MS = 1_500;

/** Others wrote the same item each time: nothing is wrong with the work, which should be tried again in a while. */
export class Contended extends Error {
  override readonly name = 'Contended';
}

const versionSchema = z.object({ version: z.number() });

/** An item as it was read: for an update that need not read it again. */
export interface Known<State> {
  version: number;
  state: State | undefined;
}

/** Items with a version, in one table. */
export interface VersionedTable extends Pick<Store<never>, 'document' | 'clock' | 'random'> {
  tableName: string;
}

const governorOf = (store: Store<'governor'>): VersionedTable => ({
  ...store,
  tableName: store.tables.governor,
});

/**
 * Reads an item of the governor's table, lets `decide` work out the next one, and writes that only if nobody
 * wrote in between; else begins again. One strongly consistent read and one conditional write in the good case.
 *
 * @param schema of the state; what it encodes is what the item holds
 * @param decide pure; may run several times. `state: undefined` writes nothing
 * @param known what the caller has read just now; absent: it is read here
 * @throws Contended when others got in between every time
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

/** As `updateVersioned`, in any table. */
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
      // As many as want the item at once need that many turns: pauses grow until there is room for all of them.
      await table.clock.sleep(table.random() * Math.min(MAX_PAUSE_MS, 25 * 2 ** attempt));
    }
  }
  throw new Contended(`${key.pk}/${key.sk}: written by others ${MAX_TRIES} times in a row`);
}

export async function readVersioned<State>(
  store: Store<'governor'>,
  key: Key,
  schema: z.ZodType<State>,
): Promise<State | undefined> {
  return (await readKnown(store, key, schema)).state;
}

/** Reads an item strongly, with its version. */
export async function readKnown<State>(
  store: Store<'governor'>,
  key: Key,
  schema: z.ZodType<State>,
): Promise<Known<State>> {
  return await readKnownIn(governorOf(store), key, schema);
}

/** As `readKnown`, in any table. */
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
