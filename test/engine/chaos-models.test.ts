import { setTimeout } from 'node:timers/promises';
import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  BatchWriteCommand,
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { describe, expect, it, onTestFinished } from 'vitest';
import { limitProfileOf } from '../../functions/model/limits-in-force.ts';
import type { WantedCreate } from '../../functions/model/wanted-create.ts';
import { readHolders } from '../../functions/platform/governor/hold-location.ts';
import { permitCreates } from '../../functions/platform/governor/permit-creates.ts';
import { releaseSlots } from '../../functions/platform/governor/release-slots.ts';
import { layOut } from '../../functions/platform/placement/lay-out.ts';
import { readInstances, readSiteEntries } from '../../functions/platform/store/instances.ts';
import { scheduleNextPoll, startLoop, takePoll } from '../../functions/platform/store/loops.ts';
import { moveInstance } from '../../functions/platform/store/move.ts';
import { createFleet } from '../../functions/platform/store/new-fleet.ts';
import { openPlacement, readFleetPartition } from '../../functions/platform/store/placements.ts';
import type { Store } from '../../functions/platform/store/store.ts';
import { retakeClaim, transition, updateInstance } from '../../functions/platform/store/transition.ts';
import { ClientLoans } from '../chaos/models/dynamo/client.ts';
import { Dynamo } from '../chaos/models/dynamo/dynamo.ts';
import { FLEETS_INDEXES, Table } from '../chaos/models/dynamo/table.ts';
import { claimOf, request, spec } from './placed-fleet.ts';
import { useTables } from './tables.ts';

const real = useTables();

/**
 * Opens the model of the tables. Its tables have the same names as the tables on the local engine (`real`).
 */
function modelStore(): Store {
  const { tables } = real;
  const dynamo = new Dynamo(
    Object.entries(tables).map(([noun, name]) => new Table(name, noun === 'fleets' ? FLEETS_INDEXES : [])),
    { now: () => 0, baseLagMs: () => 0, indexLagMs: () => 0, pageSize: () => 1_000, unprocessed: () => 0 },
  );
  const loans = new ClientLoans();
  onTestFinished(() => loans.takeBack());
  const document = loans.lend(async (command, input) => dynamo.perform(command, input));
  return { ...real, document };
}

/** Returns the outcome of a command. Leaves out fields that only the model or only the engine returns. */
async function outcome(answer: Promise<object>): Promise<unknown> {
  try {
    const {
      $metadata: _,
      ConsumedCapacity: _capacity,
      ScannedCount: _scanned,
      ...rest
    } = { ...defaults, ...(await answer) };
    return JSON.parse(JSON.stringify(rest));
  } catch (error) {
    if (error instanceof TransactionCanceledException) {
      return { cancelled: error.CancellationReasons?.map(({ Code, Item }) => ({ Code, Item })) };
    }
    return { error: error instanceof Error ? error.name : String(error) };
  }
}
const defaults: { $metadata?: unknown; ConsumedCapacity?: unknown; ScannedCount?: unknown } = {};

const TableName = real.tables.governor;
const key = (sk: string) => ({ pk: 'parity', sk });
const update =
  (sk: string, UpdateExpression: string, more: object = {}) =>
  (client: DynamoDBDocumentClient) =>
    client.send(
      new UpdateCommand({ TableName, Key: key(sk), UpdateExpression, ReturnValues: 'ALL_NEW', ...more }),
    );
const put =
  (sk: string, item: object, more: object = {}) =>
  (client: DynamoDBDocumentClient) =>
    client.send(new PutCommand({ TableName, Item: { ...key(sk), ...item }, ...more }));
const query =
  (KeyConditionExpression: string, values: object, more: object = {}) =>
  (client: DynamoDBDocumentClient) =>
    client.send(
      new QueryCommand({
        TableName,
        KeyConditionExpression,
        ExpressionAttributeValues: { ':pk': 'parity', ...values },
        ConsistentRead: true,
        ...more,
      }),
    );
const values = (ExpressionAttributeValues: object) => ({ ExpressionAttributeValues });

const MARK = 'SET deletion = if_not_exists(deletion, :mark)';
/**
 * Writes to one table on the condition that an item of another table exists and is not marked for deletion.
 */
const putWhileExists = (there: string, here: string) => (client: DynamoDBDocumentClient) =>
  client.send(
    new TransactWriteCommand({
      TransactItems: [
        { Put: { TableName: real.tables.access, Item: { ...key(here), n: 1 } } },
        {
          ConditionCheck: {
            TableName,
            Key: key(there),
            ConditionExpression: 'attribute_exists(pk) AND attribute_not_exists(deletion)',
          },
        },
      ],
    }),
  );

/**
 * Operations that run in this order on the model and on the engine; each depends on the operations before it.
 * The list has no update that writes one path twice: DynamoDB and the model refuse such an update, but the
 * engine does not.
 */
const OPERATIONS: readonly (readonly [string, (client: DynamoDBDocumentClient) => Promise<object>])[] = [
  [
    'put a new item',
    put('a', { n: 1, m: { x: 1 }, s: 'one' }, { ConditionExpression: 'attribute_not_exists(pk)' }),
  ],
  [
    'put on condition that the item is new',
    put('a', { n: 2 }, { ConditionExpression: 'attribute_not_exists(pk)' }),
  ],
  [
    'put and return the old item',
    put('b', { n: 5, list: [1, 'two', { three: 3 }] }, { ReturnValues: 'ALL_OLD' }),
  ],
  ['get', (client) => client.send(new GetCommand({ TableName, Key: key('b'), ConsistentRead: true }))],
  ['get a missing item', (client) => client.send(new GetCommand({ TableName, Key: key('zzz') }))],
  [
    'set, add, remove',
    update('a', 'SET n = n + :by, t = :t REMOVE s ADD k :one', values({ ':by': 2, ':t': true, ':one': 1 })),
  ],
  [
    'set from a missing attribute',
    update('a', 'SET z = if_not_exists(z, :zero) - :one', values({ ':zero': 0, ':one': 1 })),
  ],
  [
    'set below a map',
    update('a', 'SET m.#y = if_not_exists(m.#y, :zero) + :one', {
      ...values({ ':zero': 0, ':one': 1 }),
      ExpressionAttributeNames: { '#y': 'y' },
    }),
  ],
  ['set below a missing map', update('a', 'SET nowhere.y = :one', values({ ':one': 1 }))],
  ['add to a missing attribute', update('a', 'SET c = c + :one', values({ ':one': 1 }))],
  ['update a missing item', update('new', 'SET n = :one', values({ ':one': 1 }))],
  [
    'update on condition that a missing item exists',
    update('no', 'SET n = :one', { ...values({ ':one': 1 }), ConditionExpression: 'attribute_exists(pk)' }),
  ],
  [
    'condition with IN and BETWEEN',
    update('a', 'SET q = :one', {
      ...values({ ':one': 1, ':three': 3, ':nine': 9 }),
      ConditionExpression: 'n IN (:one, :three) AND n BETWEEN :one AND :nine',
    }),
  ],
  [
    'condition with NOT and OR',
    update('a', 'SET q = :one', {
      ...values({ ':one': 1, ':three': 3 }),
      ConditionExpression: 'NOT (n = :three OR attribute_not_exists(m))',
    }),
  ],
  [
    'compare values of two types',
    update('a', 'SET q = :one', { ...values({ ':one': 1, ':text': '3' }), ConditionExpression: 'n < :text' }),
  ],
  [
    'compare a missing attribute with <>',
    update('a', 'SET q = :one', { ...values({ ':one': 1 }), ConditionExpression: 'nowhere <> :one' }),
  ],
  ['define an unused value', update('a', 'SET q = :one', values({ ':one': 1, ':two': 2 }))],
  [
    'use an undefined value',
    update('a', 'SET q = :one', { ConditionExpression: 'n = :two', ...values({ ':one': 1 }) }),
  ],
  ['mark for deletion', update('d', MARK, values({ ':mark': { id: 'first', isDecided: false } }))],
  ['mark for deletion again', update('d', MARK, values({ ':mark': { id: 'second', isDecided: false } }))],
  [
    'remove the mark of another deletion',
    update('d', 'REMOVE deletion', {
      ...values({ ':id': 'second', ':false': false }),
      ConditionExpression: 'deletion.id = :id AND deletion.isDecided = :false',
    }),
  ],
  [
    'decide a marked deletion',
    update('d', 'SET deletion.isDecided = :true', {
      ...values({ ':id': 'first', ':true': true }),
      ConditionExpression: 'deletion.id = :id AND attribute_not_exists(#unless)',
      ExpressionAttributeNames: { '#unless': 'credentialVersion' },
    }),
  ],
  [
    'remove the mark of a decided deletion',
    update('d', 'REMOVE deletion', {
      ...values({ ':id': 'first', ':false': false }),
      ConditionExpression: 'deletion.id = :id AND deletion.isDecided = :false',
    }),
  ],
  ['put while an item of another table exists', putWhileExists('a', 'x')],
  ['put while an item of another table is marked for deletion', putWhileExists('d', 'y')],
  ['put while an item of another table is missing', putWhileExists('gone', 'z')],
  ['query a partition', query('pk = :pk', {})],
  ['query a prefix', query('pk = :pk AND begins_with(sk, :b)', { ':b': 'b' })],
  ['query backwards', query('pk = :pk AND sk < :n', { ':n': 'new' }, { ScanIndexForward: false, Limit: 1 })],
  ['query from a start key', query('pk = :pk', {}, { ExclusiveStartKey: key('a'), Limit: 1 })],
  ['query and filter', query('pk = :pk', { ':five': 5 }, { FilterExpression: 'n = :five' })],
  [
    'batch write',
    (client) =>
      client.send(
        new BatchWriteCommand({
          RequestItems: {
            [TableName]: [
              { PutRequest: { Item: { ...key('w'), n: 1 } } },
              { DeleteRequest: { Key: key('new') } },
            ],
          },
        }),
      ),
  ],
  [
    'batch get',
    (client) =>
      client.send(
        new BatchGetCommand({
          RequestItems: { [TableName]: { Keys: [key('w'), key('gone')], ConsistentRead: true } },
        }),
      ),
  ],
  [
    'transaction with a failed condition',
    (client) =>
      client.send(
        new TransactWriteCommand({
          TransactItems: [
            { Put: { TableName, Item: { ...key('t'), n: 1 } } },
            {
              Put: {
                TableName,
                Item: { ...key('w'), n: 9 },
                ConditionExpression: 'attribute_not_exists(pk)',
                ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
              },
            },
          ],
        }),
      ),
  ],
  [
    'transaction',
    (client) =>
      client.send(
        new TransactWriteCommand({
          TransactItems: [
            {
              ConditionCheck: {
                TableName,
                Key: key('w'),
                ConditionExpression: 'n = :one',
                ...values({ ':one': 1 }),
              },
            },
            {
              Update: {
                TableName,
                Key: key('a'),
                UpdateExpression: 'SET n = :nine',
                ...values({ ':nine': 9 }),
              },
            },
            { Delete: { TableName, Key: key('b') } },
          ],
        }),
      ),
  ],
  [
    'delete and return the old item',
    (client) => client.send(new DeleteCommand({ TableName, Key: key('w'), ReturnValues: 'ALL_OLD' })),
  ],
  ['query the partition at the end', query('pk = :pk', {})],
];

describe('the model of the tables', () => {
  it('the model of the tables answers each command as the engine does', async () => {
    const model = modelStore();
    for (const [what, operation] of OPERATIONS) {
      const [here, there] = [
        await outcome(operation(model.document)),
        await outcome(operation(real.document)),
      ];
      expect({ what, answer: here }).toEqual({ what, answer: there });
    }
  });

  it('the store ends in the same state on the model and on the engine after launches, moves and polls', async () => {
    const asked = spec('parity');
    const ended = await Promise.all([modelStore(), real].map((store) => liveThrough(fixed(store), asked)));
    expect(ended[0]).toEqual(ended[1]);
  });
});

/** Replaces clock and randomness by fixed values, so that both runs write the same. */
function fixed(store: Store): Store {
  return {
    ...store,
    clock: { now: () => 1_767_225_600_000, sleep: (ms) => setTimeout(ms) },
    random: () => 0.5,
  };
}

/**
 * Makes the writes that worker, poll loop and governor make over the life of a fleet.
 *
 * @returns all answers of the store, and the records and counters at the end
 */
async function liveThrough(store: Store, asked: ReturnType<typeof spec>): Promise<unknown> {
  const { fleetId } = asked;
  const answers: unknown[] = [];
  const said = async (answer: Promise<unknown>) => answers.push(await answer);
  await said(createFleet(store, { connections: [], spec: asked, request }).then(({ outcome: what }) => what));
  await said(
    createFleet(store, {
      connections: [],
      spec: { ...asked, fleetId: `${fleetId.slice(0, -1)}0` },
      request,
    }).then(({ outcome: what }) => what),
  );
  const placements = layOut(asked);
  for (const one of placements) await openPlacement(store, fleetId, one, 1);
  const [first, second] = placements;
  if (!first || !second) throw new Error('a placement is missing');
  const { connectionKey, location } = first;
  const ref = { fleetId, connectionKey, location };
  const [one, two] = [claimOf(fleetId, 0), claimOf(fleetId, 1)];
  await said(
    transition(
      store,
      ref,
      [
        { kind: 'claim', record: one },
        { kind: 'claim', record: two },
      ],
      1,
    ),
  );
  await said(transition(store, ref, [{ kind: 'claim', record: one }], 1));
  await said(updateInstance(store, one, { launchState: 'accepted', backendId: 'i-1' }));
  await said(retakeClaim(store, one, { launchState: 'claimed', claimUntilMs: 1 }));
  const accepted = { ...one, launchState: 'accepted' as const };
  await said(transition(store, ref, [{ kind: 'change', record: accepted, to: 'Running' }], 5));
  await said(moveInstance(store, two, second.location, []));
  await said(moveInstance(store, two, second.location, []));
  const site = {
    connectionKey,
    location,
    limits: limitProfileOf({ driver: 'sim', cloud: 'aws' }, { concurrentInstancesPerLocation: 1 }),
  };
  const wanted = (id: string): WantedCreate => ({
    instanceId: id,
    fleetId: 'f',
    round: 1,
    instanceType: 'm6i.large',
    vcpus: 2,
    gpus: 0,
    memoryGb: 8,
    mayGoElsewhere: false,
  });
  const holder = `${fleetId}-00098`;
  await said(permitCreates(store, site, [wanted(holder), wanted(`${fleetId}-00099`)]));
  await said(readHolders(store, site));
  await said(releaseSlots(store, site, [{ instanceId: holder }]));
  const loop = { driver: 'sim', connectionKey, location };
  const generation = await startLoop(store, loop, 1);
  await said(startLoop(store, loop, store.clock.now()));
  const taken = await takePoll(store, loop, generation ?? 0);
  await said(takePoll(store, loop, generation ?? 0));
  await said(
    scheduleNextPoll(store, loop, taken?.generation ?? 0, {
      nextPollAtMs: 1,
      active: false,
      idle: true,
      emptyPolls: 2,
    }),
  );
  const { meta, placements: counted } = await readFleetPartition(store, fleetId);
  const records = [...(await readInstances(store, [one, two])).values()];
  return { answers, meta, counted, records, entries: await readSiteEntries(store, connectionKey, location) };
}
