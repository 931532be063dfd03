import { SSMClient } from '@aws-sdk/client-ssm';
import { afterEach, beforeEach, expect, it } from 'vitest';
import * as z from 'zod';
import type { CloudVolume } from '../../../../functions/drivers/contract/capabilities.ts';
import { deleteConnection } from '../../../../functions/features/connections/delete-connection.ts';
import { keepVolumes } from '../../../../functions/features/volumes/keep-volumes.ts';
import type { Connection } from '../../../../functions/model/connection.ts';
import { connectionKey } from '../../../../functions/model/identifiers.ts';
import { markConnection } from '../../../../functions/platform/store/connection-deletion.ts';
import { createConnection, readConnection } from '../../../../functions/platform/store/connections.ts';
import { createNamespace } from '../../../../functions/platform/store/namespaces.ts';
import type { Store } from '../../../../functions/platform/store/store.ts';
import { readVolumes } from '../../../../functions/platform/store/volumes.ts';
import { ClientLoans } from '../../../chaos/models/dynamo/client.ts';
import { Dynamo } from '../../../chaos/models/dynamo/dynamo.ts';
import { FLEETS_INDEXES, Table } from '../../../chaos/models/dynamo/table.ts';
import { record } from '../../../samples/records.ts';

const NOON = Date.parse('2026-01-01T12:00:00Z');
const TABLES = { access: 'access', fleets: 'fleets', catalogue: 'catalogue' };
const loans = new ClientLoans();
afterEach(() => loans.takeBack());

let store: Store<'access' | 'fleets' | 'catalogue'>;
let connection: Connection;
/** Runs once, before the next write that matches. */
let before: { isNow(command: string, input: unknown): boolean; run(): Promise<void> } | undefined;
let warnings: Record<string, unknown>[] = [];

beforeEach(async () => {
  before = undefined;
  warnings = [];
  const settings = { baseLagMs: () => 0, indexLagMs: () => 0, pageSize: () => 3, unprocessed: () => 0 };
  const tables = [new Table('access'), new Table('fleets', FLEETS_INDEXES), new Table('catalogue')];
  const dynamo = new Dynamo(tables, { now: () => NOON, ...settings });
  const document = loans.lend(async (command, input) => {
    if (before?.isNow(command, input)) {
      const { run } = before;
      before = undefined;
      await run();
    }
    return dynamo.perform(command, input);
  });
  let nowMs = NOON;
  const clock = {
    now: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms;
    },
  };
  store = { document, tables: TABLES, clock, random: Math.random };
  await createNamespace(store, { name: 'default' });
  connection = await connect();
});

async function connect(): Promise<Connection> {
  const made = await createConnection(store, {
    namespace: 'default',
    name: 'cloud',
    driver: 'sim',
    cloud: 'aws',
    status: 'Ready',
    createdAt: new Date(NOON).toISOString(),
  });
  if (!made) throw new Error('the connection was not created');
  return made;
}

const DISK: CloudVolume = { backendId: 'vol-1', sizeGb: 50, usdPerMonth: 4, endsWithMachine: false };

/** Records the disk as kept, as a worker does. */
async function keep(volume: CloudVolume = DISK): Promise<void> {
  const log = {
    warn: (_message: string, detail?: Record<string, unknown>) => {
      warnings.push(detail ?? {});
    },
  };
  const kept = { volume, record: record({ connectionKey: connectionKey(connection) }) };
  await keepVolumes({ store, log }, { connection }, [kept], 'Kept');
}

async function remove(forgetDisks = false) {
  const ssm = new SSMClient({ region: 'local' });
  Object.defineProperty(ssm, 'send', { value: async () => ({}) });
  return await deleteConnection({ store, ssm, secretsPrefix: '/test' }, 'default', 'cloud', { forgetDisks });
}

const updateSchema = z.looseObject({ UpdateExpression: z.string() });
const decides = (command: string, input: unknown): boolean =>
  command === 'UpdateCommand' && updateSchema.parse(input).UpdateExpression.includes('isDecided');
const deletesVolumes = (command: string, input: unknown): boolean =>
  command === 'TransactWriteCommand' && JSON.stringify(input).includes('VOL#');

const volumes = () => readVolumes(store, connectionKey(connection));

it('a connection with a kept disk stands, without a mark, until the disk is forgotten', async () => {
  await keep();
  expect(await remove()).toMatchObject({ keptDisks: [{ backendId: 'vol-1', usdPerMonth: 4 }] });
  const stands = await readConnection(store, 'default', 'cloud');
  expect(stands?.id).toBe(connection.id);
  expect(stands?.deletion).toBeUndefined();
  expect(await remove(true)).toBe('deleted');
  expect(await volumes()).toEqual([]);
  expect(await readConnection(store, 'default', 'cloud')).toBeUndefined();
});

it('a disk that becomes kept between the check and the decision keeps the connection', async () => {
  before = { isNow: decides, run: () => keep() };
  expect(await remove()).toMatchObject({ keptDisks: [{ backendId: 'vol-1' }] });
  expect((await readConnection(store, 'default', 'cloud'))?.deletion).toBeUndefined();
  expect(await volumes()).toHaveLength(1);
});

it('a deletion that forgets disks also forgets one that becomes kept before its decision', async () => {
  before = { isNow: decides, run: () => keep() };
  expect(await remove(true)).toBe('deleted');
  expect(await volumes()).toEqual([]);
});

it('after the decision, no disk is recorded, and the log names the disk', async () => {
  await keep({ ...DISK, backendId: 'vol-0' });
  before = { isNow: deletesVolumes, run: () => keep() };
  expect(await remove(true)).toBe('deleted');
  await keep({ ...DISK, backendId: 'vol-2' });
  expect(await volumes()).toEqual([]);
  expect(warnings.map(({ backendId }) => backendId)).toEqual(['vol-1', 'vol-2']);
});

it('a slow deletion takes no disk from a later connection of the same name', async () => {
  await keep();
  before = {
    isNow: deletesVolumes,
    run: async () => {
      // Another call finishes the deletion, and the user connects again and keeps another disk.
      expect(await remove(true)).toBe('deleted');
      connection = await connect();
      await keep({ ...DISK, backendId: 'vol-new' });
    },
  };
  expect(await remove(true)).toBe('deleted');
  expect((await volumes()).map(({ backendId }) => backendId)).toEqual(['vol-new']);
});

it('a worker takes an abandoned mark away, and records the disk', async () => {
  await markConnection(store, connection);
  await keep();
  expect((await readConnection(store, 'default', 'cloud'))?.deletion).toBeUndefined();
  expect(await volumes()).toHaveLength(1);
});
