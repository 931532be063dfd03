import { ConditionalCheckFailedException, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import type { Capacity } from './capacity.ts';
import {
  batchGetSchema,
  batchWriteSchema,
  type Delete,
  deleteSchema,
  getSchema,
  keySchema,
  type Put,
  putSchema,
  type Query,
  querySchema,
  transactSchema,
  type UpdateInput,
  updateSchema,
  validation,
} from './commands.ts';
import { checkPlaceholders, copy, type Item, meets, updated } from './evaluate.ts';
import { ExpressionError, parseCondition, parseUpdate } from './expressions.ts';
import { marshalled } from './marshal.ts';
import { readPage } from './query.ts';
import type { Table } from './table.ts';

const META = { $metadata: {} };
/** The answer to a command; each command sets some of the fields. */
export interface Answer {
  $metadata: Record<string, never>;
  Item?: Item;
  Items?: Item[];
  Count?: number;
  Attributes?: Item;
  LastEvaluatedKey?: Item;
  Responses?: Record<string, Item[]>;
  UnprocessedKeys?: Record<string, { Keys: Item[]; ConsistentRead?: boolean }>;
  UnprocessedItems?: Record<string, Item[]>;
}

/** What DynamoDB may decide freely: how late other readers see a write, and how many items one answer has. */
export interface Habits {
  now(): number;
  /** Returns how long an eventually consistent read may still return the item from before a write, in ms. */
  baseLagMs(): number;
  indexLagMs(): number;
  /**
   * Returns the maximum number of items in one answer to a query. DynamoDB limits an answer to 1 MB. An
   * index has smaller items, so that an answer has more of them.
   */
  pageSize(isIndex: boolean): number;
  /** Returns how many of `count` keys or requests of a batch stay unprocessed. */
  unprocessed(count: number): number;
  /** Returns the capacity counter of a partition key; undefined if the run does not measure it. */
  capacity?(table: string, pk: string): Capacity | undefined;
}

interface Write {
  table: Table;
  pk: string;
  sk: string;
  before: Item | undefined;
  after: Item | undefined;
  refused: boolean;
  refusal: { wanted: boolean };
}

/** Performs commands on the tables. Each command happens in one instant, completely or not at all. */
export class Dynamo {
  readonly #tables: ReadonlyMap<string, Table>;
  readonly #habits: Habits;

  constructor(tables: readonly Table[], habits: Habits) {
    this.#tables = new Map(tables.map((table) => [table.name, table]));
    this.#habits = habits;
  }

  /** @throws the SDK's exceptions */
  perform(command: string, input: unknown): Answer {
    try {
      return this.#perform(command, input);
    } catch (error) {
      if (error instanceof ExpressionError) throw validation(error.message);
      if (error instanceof z.ZodError) throw validation(z.prettifyError(error));
      throw error;
    }
  }

  #perform(command: string, input: unknown): Answer {
    switch (command) {
      case 'GetCommand':
        return this.#get(getSchema.parse(input));
      case 'QueryCommand':
        return this.#query(querySchema.parse(input));
      case 'BatchGetCommand':
        return this.#batchGet(batchGetSchema.parse(input));
      case 'BatchWriteCommand':
        return this.#batchWrite(batchWriteSchema.parse(input));
      case 'PutCommand': {
        const put = putSchema.parse(input);
        return this.#single(this.#put(put), put.ReturnValues);
      }
      case 'UpdateCommand': {
        const update = updateSchema.parse(input);
        return this.#single(this.#update(update), update.ReturnValues);
      }
      case 'DeleteCommand': {
        const remove = deleteSchema.parse(input);
        return this.#single(this.#delete(remove), remove.ReturnValues);
      }
      case 'TransactWriteCommand':
        return this.#transact(transactSchema.parse(input));
      default:
        throw new Error(`the model of DynamoDB does not support ${command}`);
    }
  }

  #table(name: string): Table {
    const table = this.#tables.get(name);
    if (!table) throw validation(`table ${name} does not exist`);
    return table;
  }

  #get({ TableName, Key, ConsistentRead }: z.infer<typeof getSchema>): Answer {
    const table = this.#table(TableName);
    const item = ConsistentRead ? table.get(Key.pk, Key.sk) : table.seen(Key.pk, Key.sk, this.#habits.now());
    this.#habits.capacity?.(TableName, Key.pk)?.read(item ? [item] : [], ConsistentRead);
    return { ...META, ...(item ? { Item: item } : {}) };
  }

  #query(query: Query): Answer {
    const { pk, read, found, last } = readPage(this.#table(query.TableName), query, {
      nowMs: this.#habits.now(),
      pageSize: this.#habits.pageSize(query.IndexName !== undefined),
    });
    this.#habits.capacity?.(query.TableName, pk)?.read(read, query.ConsistentRead);
    return { ...META, Items: found, Count: found.length, ...(last ? { LastEvaluatedKey: last } : {}) };
  }

  #batchGet({ RequestItems }: z.infer<typeof batchGetSchema>): Answer {
    const responses: Record<string, Item[]> = {};
    const unprocessed: NonNullable<Answer['UnprocessedKeys']> = {};
    for (const [name, { Keys, ConsistentRead }] of Object.entries(RequestItems)) {
      const kept = Keys.length - this.#habits.unprocessed(Keys.length);
      responses[name] = Keys.slice(0, kept).flatMap((Key) => {
        const { Item: item } = this.#get({ TableName: name, Key, ConsistentRead });
        return item ? [item] : [];
      });
      if (kept < Keys.length) unprocessed[name] = { Keys: Keys.slice(kept), ConsistentRead };
    }
    return { ...META, Responses: responses, UnprocessedKeys: unprocessed };
  }

  #batchWrite({ RequestItems }: z.infer<typeof batchWriteSchema>): Answer {
    const unprocessed: Record<string, Item[]> = {};
    for (const [name, requests] of Object.entries(RequestItems)) {
      const table = this.#table(name);
      const kept = requests.length - this.#habits.unprocessed(requests.length);
      for (const request of requests.slice(0, kept)) {
        const write =
          'PutRequest' in request
            ? { ...keyOf(request.PutRequest.Item), after: copy(request.PutRequest.Item) }
            : { ...request.DeleteRequest.Key, after: undefined };
        this.#commit({ table, before: undefined, refused: false, refusal: { wanted: false }, ...write });
      }
      if (kept < requests.length) unprocessed[name] = requests.slice(kept);
    }
    return { ...META, UnprocessedItems: unprocessed };
  }

  #put(put: Put): Write {
    return this.#write(put, keyOf(put.Item), () => copy(put.Item));
  }

  #update(update: UpdateInput): Write {
    const { UpdateExpression, Key } = update;
    const expressions = [parseUpdate(UpdateExpression)];
    return this.#write(
      update,
      Key,
      (before) => updated(UpdateExpression, before ?? { ...Key }, update),
      expressions,
    );
  }

  #delete(remove: Delete): Write {
    return this.#write(remove, remove.Key, () => undefined);
  }

  #write(
    request: Pick<Put, 'TableName' | 'ConditionExpression' | 'ReturnValuesOnConditionCheckFailure'> &
      Pick<Put, 'ExpressionAttributeNames' | 'ExpressionAttributeValues'>,
    { pk, sk }: { pk: string; sk: string },
    after: (before: Item | undefined) => Item | undefined,
    expressions: Parameters<typeof checkPlaceholders>[1] = [],
  ): Write {
    const { ConditionExpression, ReturnValuesOnConditionCheckFailure } = request;
    checkPlaceholders(request, [
      ...expressions,
      ...(ConditionExpression === undefined ? [] : [parseCondition(ConditionExpression)]),
    ]);
    const table = this.#table(request.TableName);
    const before = table.get(pk, sk);
    const refused = !meets(ConditionExpression, before, request);
    return {
      table,
      pk,
      sk,
      before,
      refused,
      after: refused ? undefined : after(before),
      refusal: { wanted: ReturnValuesOnConditionCheckFailure === 'ALL_OLD' },
    };
  }

  #single(write: Write, returned: string | undefined): Answer {
    if (write.refused) {
      this.#capacityFor(write)?.write(write.before, undefined, false);
      throw new ConditionalCheckFailedException({ message: 'The conditional request failed', ...META });
    }
    this.#commit(write);
    const attributes =
      returned === 'ALL_NEW' ? write.after : returned === 'ALL_OLD' ? write.before : undefined;
    return { ...META, ...(attributes ? { Attributes: attributes } : {}) };
  }

  #transact({ TransactItems }: z.infer<typeof transactSchema>): Answer {
    const writes = TransactItems.map(({ Put, Update, Delete, ConditionCheck }) => {
      if (Put) return { write: this.#put(Put), checks: false };
      if (Update) return { write: this.#update(Update), checks: false };
      if (Delete) return { write: this.#delete(Delete), checks: false };
      if (!ConditionCheck) throw validation('a TransactItem has no request');
      return { write: this.#delete(ConditionCheck), checks: true };
    });
    const keys = new Set(writes.map(({ write: { table, pk, sk } }) => `${table.name}\n${pk}\n${sk}`));
    if (keys.size < writes.length) {
      throw validation('Transaction request cannot include multiple operations on one item');
    }
    if (writes.some(({ write }) => write.refused)) {
      for (const { write } of writes) this.#capacityFor(write)?.write(write.before, write.after, true);
      throw new TransactionCanceledException({
        message: 'Transaction cancelled',
        ...META,
        CancellationReasons: writes.map(({ write: { refused, refusal, before } }) =>
          refused
            ? {
                Code: 'ConditionalCheckFailed',
                ...(refusal.wanted && before ? { Item: marshalled(before) } : {}),
              }
            : { Code: 'None' },
        ),
      });
    }
    for (const { write, checks } of writes) {
      if (checks) this.#capacityFor(write)?.write(write.before, undefined, true);
      else this.#commit(write, true);
    }
    return META;
  }

  #capacityFor({ table, pk }: Pick<Write, 'table' | 'pk'>): Capacity | undefined {
    return this.#habits.capacity?.(table.name, pk);
  }

  #commit({ table, pk, sk, after }: Write, isTransaction = false): void {
    const nowMs = this.#habits.now();
    const capacity = this.#capacityFor({ table, pk });
    capacity?.write(table.get(pk, sk), after, isTransaction);
    const lags = {
      nowMs,
      baseAtMs: nowMs + this.#habits.baseLagMs(),
      indexAtMs: () => nowMs + this.#habits.indexLagMs(),
    };
    table.put(pk, sk, after, lags, capacity);
  }
}

function keyOf(item: Item): { pk: string; sk: string } {
  return keySchema.parse(item);
}
