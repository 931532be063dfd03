import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { createSimDriver } from '../../../../functions/drivers/sim/driver.ts';
import { syncQuotas } from '../../../../functions/features/inventory/sync-quotas.ts';
import { MAX_QUOTAS, type Quota } from '../../../../functions/model/quota.ts';
import {
  listQuotas,
  readQuotasAt,
  removeQuotas,
} from '../../../../functions/platform/store/quota-readings.ts';
import { clearCatalogue } from '../../../../functions/platform/store/write-catalogue.ts';
import { openGate } from '../../../calls/gates.ts';
import { ClientLoans } from '../../../chaos/models/dynamo/client.ts';
import { Dynamo } from '../../../chaos/models/dynamo/dynamo.ts';
import { Table } from '../../../chaos/models/dynamo/table.ts';

const NOON = Date.parse('2026-01-01T12:00:00Z');
const KEY = 'aws/default/one';
const VCPUS: Quota = { unit: 'vcpus', name: 'Running On-Demand Standard instances', limit: 5, used: 1 };
const DENIED = new DriverError('Forbidden', 'servicequotas:ListServiceQuotas: a policy denies it');

const loans = new ClientLoans();
let table: ReturnType<typeof catalogueTable>;
beforeEach(() => {
  table = catalogueTable();
});
afterEach(() => loans.takeBack());

/** Creates a catalogue in memory. Its clock moves only with a sleep. */
function catalogueTable() {
  const clock = {
    nowMs: NOON,
    now: () => clock.nowMs,
    sleep: async (ms: number) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      clock.nowMs += ms;
    },
  };
  const settings = { baseLagMs: () => 0, indexLagMs: () => 0, pageSize: () => 3, unprocessed: () => 0 };
  const dynamo = new Dynamo([new Table('catalogue')], { now: clock.now, ...settings });
  const document = loans.lend(async (command, input) => dynamo.perform(command, input));
  const tables = { catalogue: 'catalogue', fleets: '', governor: '', access: '', audit: '' };
  return { store: { document, tables, clock, random: () => 0.5 }, clock };
}

const log = { info: () => {}, warn: () => {}, error: () => {} };

/** Reads the quotas of `location` from a cloud that answers so. @param leftMs what is left of the invocation */
async function sync(
  readQuotas: (() => Promise<Quota[]>) | undefined,
  { location = 'us-east-1', leftMs = 60_000 } = {},
): Promise<void> {
  const plain = createSimDriver(async () => Response.json({})).connect({
    cloud: 'aws',
    credential: { account: 'acc' },
    endpoint: 'http://127.0.0.1:1',
    deploymentId: 'test',
    calls: openGate,
  });
  const client =
    readQuotas === undefined
      ? new Proxy(plain, { has: (target, name) => name !== 'readQuotas' && name in target })
      : Object.assign(plain, { readQuotas });
  const { store, clock } = table;
  await syncQuotas({ store, log, invocation: { endsAtMs: clock.nowMs + leftMs } }, KEY, { client }, location);
}

const shown = () => listQuotas(table.store, KEY);

describe('a sync of the quotas at a location', () => {
  it('stores the quotas with their time, and replaces them as a whole', async () => {
    await sync(async () => [VCPUS, { unit: 'networks', name: 'VPCs', limit: 5 }]);
    table.clock.nowMs += 60_000;
    await sync(async () => [{ ...VCPUS, limit: 64 }]);
    await sync(async () => [VCPUS], { location: 'eu-west-1' });
    const readAt = '2026-01-01T12:01:00.000Z';
    expect(await shown()).toEqual([
      { location: 'eu-west-1', readAt, quotas: [VCPUS] },
      { location: 'us-east-1', readAt, quotas: [{ ...VCPUS, limit: 64 }] },
    ]);
  });

  it('notes a failure with the quotas that were read before, and the next success removes the failure', async () => {
    await sync(async () => [VCPUS]);
    table.clock.nowMs += 60_000;
    await sync(() => Promise.reject(DENIED));
    const failure = { code: 'Forbidden', message: DENIED.message, at: '2026-01-01T12:01:00.000Z' };
    const before = { location: 'us-east-1', readAt: '2026-01-01T12:00:00.000Z', quotas: [VCPUS] };
    expect(await shown()).toEqual([{ ...before, failure }]);
    await sync(async () => [VCPUS]);
    expect(await shown()).toEqual([{ ...before, readAt: '2026-01-01T12:01:00.000Z' }]);
  });

  it('notes a failure where nothing was ever read, without a time of reading', async () => {
    await sync(() => Promise.reject(DENIED));
    const at = '2026-01-01T12:00:00.000Z';
    expect(await shown()).toEqual([
      { location: 'us-east-1', failure: { code: 'Forbidden', message: DENIED.message, at }, quotas: [] },
    ]);
  });

  it('ends with a noted failure if the cloud does not answer in time', async () => {
    await sync(() => new Promise(() => {}));
    expect(await shown()).toMatchObject([{ failure: { code: 'Unavailable' } }]);
  });

  it('asks nothing if the invocation has no time left', async () => {
    let asked = 0;
    await sync(
      async () => {
        asked += 1;
        return [VCPUS];
      },
      { leftMs: 3_000 },
    );
    expect(asked).toBe(0);
    expect(await shown()).toMatchObject([{ failure: { code: 'Unavailable' } }]);
  });

  it('stores nothing if the driver reads no quotas', async () => {
    await sync(undefined);
    expect(await shown()).toEqual([]);
  });

  it('does not hide an error that is none of the cloud', async () => {
    await expect(sync(() => Promise.reject(new TypeError('a bug')))).rejects.toThrow('a bug');
  });

  it('keeps at most a hundred quotas of a location', async () => {
    await sync(async () =>
      Array.from({ length: MAX_QUOTAS + 20 }, (_, at) => ({ ...VCPUS, name: `q${at}` })),
    );
    expect((await shown())[0]?.quotas).toHaveLength(MAX_QUOTAS);
  });
});

it('the quotas of many locations are read in requests of at most a hundred keys, each location once', async () => {
  const locations = Array.from({ length: 120 }, (_, at) => `r-${at}`);
  for (const location of locations) await sync(async () => [VCPUS], { location });
  const read = await readQuotasAt(table.store, KEY, [...locations, 'r-1', 'unknown']);
  expect(read.map(({ location }) => location).toSorted()).toEqual(locations.toSorted());
  expect(await readQuotasAt(table.store, 'aws/default/other', locations)).toEqual([]);
});

it('the quotas of a location that the cloud no longer has are forgotten, and all of them with the catalogue', async () => {
  for (const location of ['a', 'b']) await sync(async () => [VCPUS], { location });
  await removeQuotas(table.store, KEY, 'a');
  expect((await shown()).map(({ location }) => location)).toEqual(['b']);
  await clearCatalogue(table.store, KEY);
  expect(await shown()).toEqual([]);
});
