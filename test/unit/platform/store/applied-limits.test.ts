import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Connection } from '../../../../functions/model/connection.ts';
import { noteAppliedLimits } from '../../../../functions/platform/store/applied-limits.ts';
import { keyOfConnection, readConnectionOf } from '../../../../functions/platform/store/connections.ts';
import { ClientLoans } from '../../../chaos/models/dynamo/client.ts';
import { Dynamo } from '../../../chaos/models/dynamo/dynamo.ts';
import { Table } from '../../../chaos/models/dynamo/table.ts';

const CONNECTION: Connection = {
  namespace: 'default',
  name: 'main',
  id: 'c0000000000000000',
  driver: 'aws',
  cloud: 'aws',
  status: 'Ready',
  createdAt: '2026-01-01T00:00:00.000Z',
};
const FAST = { calls: { create: { perSecond: 6, burst: 15 } } };
const SLOW = { calls: { create: { perSecond: 1, burst: 2 } } };

const loans = new ClientLoans();
let world: ReturnType<typeof accessTable>;
beforeEach(async () => {
  world = accessTable();
  await put(CONNECTION);
});
afterEach(() => loans.takeBack());

function accessTable() {
  const clock = { now: () => Date.parse('2026-01-01T12:00:00Z'), sleep: () => Promise.resolve() };
  const settings = { baseLagMs: () => 0, indexLagMs: () => 0, pageSize: () => 3, unprocessed: () => 0 };
  const dynamo = new Dynamo([new Table('access')], { now: clock.now, ...settings });
  const calls: string[] = [];
  const document = loans.lend(async (command, input) => {
    calls.push(command);
    return dynamo.perform(command, input);
  });
  return { store: { document, tables: { access: 'access' }, clock, random: () => 0.5 }, calls };
}

const put = (connection: Connection) =>
  world.store.document.send(
    new PutCommand({ TableName: 'access', Item: { ...keyOfConnection(connection), ...connection } }),
  );
const shown = async () => (await readConnectionOf(world.store, CONNECTION))?.appliedLimits;

it('limits of several locations are written together, replaced, and removed', async () => {
  await Promise.all([
    noteAppliedLimits(world.store, CONNECTION, 'us-east-1', FAST),
    noteAppliedLimits(world.store, CONNECTION, 'eu-west-1', SLOW),
  ]);
  expect(await shown()).toEqual({ 'us-east-1': FAST, 'eu-west-1': SLOW });
  const known = { ...CONNECTION, appliedLimits: await shown() };
  await noteAppliedLimits(world.store, known, 'us-east-1', SLOW);
  await noteAppliedLimits(world.store, known, 'eu-west-1', undefined);
  expect(await shown()).toEqual({ 'us-east-1': SLOW });
});

it('limits that have not changed are not written again', async () => {
  const before = world.calls.length;
  await noteAppliedLimits(world.store, CONNECTION, 'us-east-1', undefined);
  const known = { ...CONNECTION, appliedLimits: { 'us-east-1': FAST } };
  await noteAppliedLimits(world.store, known, 'us-east-1', { ...FAST });
  expect(world.calls.length).toBe(before);
});

it('limits of a connection that was deleted and created again in the meantime are not written', async () => {
  await put({ ...CONNECTION, id: 'c0000000000000001' });
  await noteAppliedLimits(world.store, CONNECTION, 'us-east-1', FAST);
  expect(await shown()).toBeUndefined();
});
