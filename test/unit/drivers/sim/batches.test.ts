import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import * as z from 'zod';
import { type CreateOutcome, has } from '../../../../functions/drivers/contract/capabilities.ts';
import type { CloudClient, InstanceSpec } from '../../../../functions/drivers/contract/driver.ts';
import { SimClient } from '../../../../functions/drivers/sim/client.ts';
import { governedAs } from '../../../../functions/drivers/sim/transport.ts';
import type { SimServer } from '../../../../local/sim/serve.ts';
import { addFault, connect, LOCATION, prepare, startQuickServer } from './sim-server.ts';

const ROOM = 40;
const METERED = {
  slots: { locations: null, instancesPerLocation: null },
  rates: {
    create: { perSecond: 2, burst: 5 },
    instances: { perSecond: 2, burst: 1_000 },
    actions: { terminate: { calls: { perSecond: 5, burst: 100 } } },
  },
};

let server: SimServer;
beforeAll(async () => {
  const aws = { ...METERED, instancesPerCall: 100, instanceQuota: ROOM };
  const gcp = { instancesPerCall: 2 };
  server = await startQuickServer({ clouds: { aws, gcp } });
});
beforeEach(() => server.engine.reset());
afterAll(() => server.close());

async function createMany(client: CloudClient, specs: readonly InstanceSpec[]): Promise<CreateOutcome[]> {
  if (!has(client, 'batch-create')) throw new Error('the driver makes no batches');
  return await client.createInstances(specs);
}
const count = (length: number) => Array.from({ length }, (_, n) => n);

test('a cloud with room for 40 of 100 machines makes 40, and the others get its error', async () => {
  const client = connect(server);
  const { spec } = await prepare(client);
  const outcomes = await createMany(
    client,
    count(100).map((n) => spec(n)),
  );
  const made = outcomes.flatMap((one) => ('instance' in one ? [one.instance] : []));
  expect(made.map(({ launchToken }) => launchToken)).toEqual(count(ROOM).map((n) => spec(n).launchToken));
  const errors = outcomes.slice(ROOM).flatMap((one) => ('error' in one ? [one.error] : []));
  expect(errors).toHaveLength(100 - ROOM);
  for (const error of errors) {
    expect(error).toMatchObject({
      code: 'QuotaExceeded',
      answered: true,
      holdsForOne: true,
      quota: { of: 'instances', limit: ROOM },
    });
  }
});

test('a repeated batch returns the machines of the first one', async () => {
  const client = connect(server);
  const { spec } = await prepare(client);
  const specs = count(3).map((n) => spec(n));
  const idsIn = (outcomes: CreateOutcome[]) =>
    outcomes.map((one) => ('instance' in one ? one.instance.backendId : one.error.code));
  const first = idsIn(await createMany(client, specs));
  expect(idsIn(await createMany(client, specs))).toEqual(first);
  expect(new Set(first).size).toBe(3);
});

test('a batch that is larger than a cloud accepts makes no machine, and smaller batches may follow', async () => {
  const client = connect(server, 'gcp');
  const location = 'us-central1';
  const { spec } = await prepare(client, location);
  const specs = count(3).map((n) => spec(n, { instanceType: 'e2-standard-2' }));
  for (const outcome of await createMany(client, specs)) {
    expect('error' in outcome ? outcome.error : outcome).toMatchObject({
      code: 'QuotaExceeded',
      scope: 'launch',
      holdsForOne: false,
    });
  }
  expect(await client.listInstances(location)).toEqual([]);
});

test('a batch that the cloud refuses as a whole has no room for one machine either', async () => {
  const client = connect(server);
  const { spec } = await prepare(client);
  addFault(server, { kind: 'capacity', call: 'create' });
  for (const outcome of await createMany(client, [spec(0), spec(1)])) {
    expect('error' in outcome ? outcome.error : outcome).toMatchObject({
      code: 'InsufficientCapacity',
      holdsForOne: true,
    });
  }
});

test('a machine that the answer leaves out, or shows under another launch token, has an unknown outcome', async () => {
  const machine = { id: 'i-1', name: 'n', launchToken: 'other', status: 'Creating' };
  const body = { items: [{ instance: machine }] };
  const client = new SimClient({ call: ({ answer }) => Promise.resolve(answer.parse(body)) }, 'test');
  const { spec } = await prepare(connect(server));
  const outcomes = await client.createInstances([spec(0), spec(1)]);
  expect(outcomes.map((one) => ('error' in one ? one.error.code : 'made'))).toEqual([
    'OutcomeUnknown',
    'OutcomeUnknown',
  ]);
});

test('an account has the limits of its cloud: what calls and machines count, how many a call makes, and no slots', async () => {
  expect((await connect(server).verifyCredential()).limits).toEqual({
    concurrentLocations: null,
    concurrentInstancesPerLocation: null,
    calls: expect.objectContaining({ create: METERED.rates.create }),
    instances: METERED.rates.instances,
    machinesPerCall: 100,
    actions: { 'sim:DELETE instances': METERED.rates.actions.terminate },
  });
});

test('calls of one bucket of a cloud have one name, and a batch tells the number of its machines', () => {
  const at = (...path: string[]) => ['locations', LOCATION, 'instances', ...path];
  const named = (method: 'POST' | 'DELETE', path: string[], machines?: number) =>
    governedAs({ method, path, answer: z.unknown(), ...(machines ? { machines } : {}) });
  expect(named('POST', at('batch'), 7)).toMatchObject({ kind: 'create', location: LOCATION, machines: 7 });
  expect(named('DELETE', at('i-1')).action).toBe('sim:DELETE instances');
  expect(named('POST', at('terminate'), 7)).toMatchObject({ action: 'sim:DELETE instances', kind: 'mutate' });
  expect(named('POST', at('i-1', 'stop')).action).toBe('sim:POST instances stop');
});
