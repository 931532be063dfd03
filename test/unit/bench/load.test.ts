import {
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { loadDocument, percentile } from '../../../bench/load/document.ts';
import { drawRequest } from '../../../bench/load/mix.ts';
import { readFleetFiles } from '../../../demo/run/fleet-files.ts';
import { Dynamo } from '../../chaos/models/dynamo/dynamo.ts';
import { openTableClient } from '../../chaos/models/dynamo/sdk-client.ts';
import { Table } from '../../chaos/models/dynamo/table.ts';
import { Random } from '../../chaos/time/random.ts';

const lags = { baseLagMs: () => 0, indexLagMs: () => 0, pageSize: () => 100, unprocessed: () => 0 };
const TableName = 'fleets';
const Key = { pk: 'a', sk: '1' };

function openTables() {
  const dynamo = new Dynamo([new Table(TableName)], { now: () => 0, ...lags });
  let requests = 0;
  const document = openTableClient(
    (command, input) => dynamo.perform(command, input),
    () => {
      requests += 1;
    },
  );
  return { document, count: () => requests };
}

describe('the tables of the load benchmark', () => {
  it('the SDK reads from the model what it has written there', async () => {
    const { document, count } = openTables();
    const item = { ...Key, text: 'ü', number: 1.5, yes: true, none: null, list: [1, { S: 'x', deep: [] }] };
    await document.send(new PutCommand({ TableName, Item: item }));
    const { Item } = await document.send(new GetCommand({ TableName, Key, ConsistentRead: true }));
    expect(Item).toEqual(item);
    const { Items, Count } = await document.send(
      new QueryCommand({
        TableName,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': 'a' },
        ConsistentRead: true,
      }),
    );
    expect({ Items, Count }).toEqual({ Items: [item], Count: 1 });
    expect(count()).toBe(3);
  });

  it('a condition that fails reaches the caller as the exception of the SDK', async () => {
    const { document } = openTables();
    const update = new UpdateCommand({
      TableName,
      Key,
      UpdateExpression: 'SET x = :x',
      ConditionExpression: 'attribute_exists(pk)',
      ExpressionAttributeValues: { ':x': 1 },
    });
    await expect(document.send(update)).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' });
    const transaction = new TransactWriteCommand({
      TransactItems: [{ ConditionCheck: { TableName, Key, ConditionExpression: 'attribute_exists(pk)' } }],
    });
    await expect(document.send(transaction)).rejects.toMatchObject({
      name: 'TransactionCanceledException',
      CancellationReasons: [{ Code: 'ConditionalCheckFailed' }],
    });
  });
});

describe('the load benchmark', () => {
  it('the same seed draws the same requests, with no placeholder left in a path', () => {
    const fleets = readFleetFiles().map((request, at) => ({ id: `f${at}`, size: 10, request }));
    const draw = () => {
      const random = new Random(1, 'load');
      return Array.from({ length: 500 }, (_, at) => drawRequest(random, at + 1, fleets, ['sim-aws']));
    };
    const drawn = draw();
    expect(draw()).toEqual(drawn);
    expect(drawn.filter(({ request }) => /[{}]/.test(request.path))).toEqual([]);
    expect(drawn.filter(({ operation }) => operation === 'getFleet').length).toBeGreaterThan(150);
    expect(new Set(drawn.map(({ operation }) => operation)).size).toBe(15);
  });

  it('a percentile is the smallest value that is at least as large as this part of all values', () => {
    const values = Array.from({ length: 100 }, (_, at) => 100 - at);
    expect(percentile(values, 0.5)).toBe(50);
    expect(percentile(values, 0.99)).toBe(99);
    expect(percentile([7], 0.99)).toBe(7);
    expect(() => percentile([], 0.5)).toThrow('no values have no percentile');
  });

  it('the document has a row for each operation, the most frequent first', () => {
    const taken = [
      { operation: 'getFleet' as const, ms: [1], tableRequests: 6 },
      { operation: 'listFleets' as const, ms: [2, 4], tableRequests: 14 },
    ];
    const played = { taken, seconds: 1.5, requests: 3, running: 10 };
    expect(loadDocument(played, { peakMemoryMb: 1, functions: [] })).toEqual({
      requestsPerSecond: 2,
      requests: 3,
      instances: 10,
      virtualSeconds: 1.5,
      routes: [
        { operation: 'listFleets', requests: 2, p50Ms: 2, p99Ms: 4, tableRequests: 7 },
        { operation: 'getFleet', requests: 1, p50Ms: 1, p99Ms: 1, tableRequests: 6 },
      ],
      peakMemoryMb: 1,
      functions: [],
    });
  });
});
