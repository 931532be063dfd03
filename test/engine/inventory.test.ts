import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { CloudClient } from '../../functions/drivers/driver.ts';
import { DriverError } from '../../functions/drivers/errors.ts';
import { syncInventory } from '../../functions/inventory/sync-inventory.ts';
import type { Connection } from '../../functions/model/connection.ts';
import { listImages, listLocations, listOffers } from '../../functions/store/catalogue.ts';
import { createConnection, deleteConnection, readConnection } from '../../functions/store/connections.ts';
import { loadSimConfig } from '../../local/sim/config.ts';
import { type SimServer, startSimServer } from '../../local/sim/serve.ts';
import { OneProcess } from './one-process.ts';
import { useTables } from './tables.ts';

const store = useTables();
const key = 'default/sim-gcp';
const message = { kind: 'sync-inventory', connectionKey: key } as const;
const connection: Connection = {
  namespace: 'default',
  name: 'sim-gcp',
  driver: 'sim',
  cloud: 'gcp',
  status: 'Ready',
  createdAt: '2026-01-01T00:00:00Z',
};
let sim: SimServer;

beforeAll(async () => {
  sim = await startSimServer({ config: loadSimConfig(), port: 0, seed: 7, timeScale: 100 });
});
afterAll(async () => await sim.close());
beforeEach(async () => void (await createConnection(store, connection)));

const workerWith = (wrap?: (client: CloudClient) => CloudClient) => new OneProcess(store, sim.url, 100, wrap);

async function catalogue(): Promise<number[]> {
  const page = { limit: 100 };
  const lists = await Promise.all([
    listLocations(store, key, page),
    listOffers(store, key, page),
    listImages(store, key, page),
  ]);
  return lists.map(({ items }) => items.length);
}

/** Delivers until it is done: a new connection may have to wait for its calls. */
async function sync(worker: OneProcess): Promise<void> {
  for (let tries = 0; tries < 50; tries += 1) {
    const ended = await syncInventory(worker.context, message);
    if (ended.done) return;
    await new Promise((resolve) => setTimeout(resolve, Math.min(500, ended.waitMs)));
  }
  throw new Error('the sync never ended');
}

it('brings in what the cloud tells, and says when', async () => {
  await sync(workerWith());
  const [locations = 0, offers = 0, images = 0] = await catalogue();
  expect(locations).toBe(10);
  expect(offers).toBeGreaterThan(locations);
  expect(images).toBeGreaterThan(0);
  expect((await readConnection(store, 'default', 'sim-gcp'))?.inventorySyncedAt).toMatch(/Z$/);
});

it('that comes for a deleted connection calls nobody and leaves nothing', async () => {
  await deleteConnection(store, 'default', 'sim-gcp');
  const worker = workerWith(() => {
    throw new Error('the connection was opened');
  });
  expect(await syncInventory(worker.context, message)).toEqual({ done: true });
  expect(await catalogue()).toEqual([0, 0, 0]);
});

it('whose connection is deleted under way leaves nothing', async () => {
  const worker = workerWith((client) => {
    const listLocations = client.listLocations.bind(client);
    return Object.assign(client, {
      async listLocations() {
        const locations = await listLocations();
        await deleteConnection(store, 'default', 'sim-gcp');
        return locations;
      },
    });
  });
  expect(await syncInventory(worker.context, message)).toEqual({ done: true });
  expect(await catalogue()).toEqual([0, 0, 0]);
});

it('without a credential is done: asking again would change nothing', async () => {
  const { context } = workerWith();
  const open = () => Promise.reject(new DriverError('Unauthorized', 'no credential'));
  expect(await syncInventory({ ...context, open }, message)).toEqual({ done: true });
  expect((await readConnection(store, 'default', 'sim-gcp'))?.inventorySyncedAt).toBeUndefined();
});
