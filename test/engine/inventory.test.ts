import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { CloudClient } from '../../functions/drivers/contract/driver.ts';
import { DriverError } from '../../functions/drivers/contract/errors.ts';
import { syncInventory } from '../../functions/features/inventory/sync-inventory.ts';
import type { Quota } from '../../functions/model/quota.ts';
import { listImages, listLocations, listOffers } from '../../functions/platform/store/catalogue.ts';
import {
  createConnection,
  type NewConnection,
  readConnection,
} from '../../functions/platform/store/connections.ts';
import { createNamespace } from '../../functions/platform/store/namespaces.ts';
import { listQuotas } from '../../functions/platform/store/quota-readings.ts';
import type { WorkerContext } from '../../functions/platform/worker/context.ts';
import {
  type DriverMessage,
  driverMessageSchema,
  type SyncInventoryMessage,
} from '../../functions/platform/workflow/messages.ts';
import { loadSimConfig } from '../../local/sim/engine/config.ts';
import { type SimServer, startSimServer } from '../../local/sim/serve.ts';
import { OneProcess } from './one-process.ts';
import { removeRecord } from './remove-record.ts';
import { useTables } from './tables.ts';

const store = useTables();
const key = 'sim/default/sim-gcp';
const message = { kind: 'sync-inventory', connectionKey: key } as const;
const connection: NewConnection = {
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
beforeEach(async () => {
  await createNamespace(store, { name: 'default' });
  await createConnection(store, connection);
});

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

/**
 * Delivers the sync message until the sync is finished. The sync of a new connection may have to wait for
 * permits.
 */
async function sync(worker: OneProcess): Promise<void> {
  await deliver(worker.context, message);
}

/** Delivers the message, and then each message that continues the sync. @returns all messages of the sync */
async function deliver(context: WorkerContext, first: SyncInventoryMessage): Promise<DriverMessage[]> {
  const messages: DriverMessage[] = [first];
  for (let tries = 0; tries < 50; tries += 1) {
    const last = messages.at(-1);
    if (last?.kind !== 'sync-inventory')
      throw new TypeError(`a message of kind ${last?.kind} continued the sync`);
    const ended = await syncInventory(context, last);
    if (ended.done) return messages;
    if (ended.as) messages.push(driverMessageSchema.parse(ended.as));
    await new Promise((resolve) => setTimeout(resolve, Math.min(500, ended.waitMs)));
  }
  throw new Error('the sync did not end after 50 deliveries');
}

it('an inventory sync writes the locations, offers and images of the cloud, and the time of the sync', async () => {
  await sync(workerWith());
  const [locations = 0, offers = 0, images = 0] = await catalogue();
  expect(locations).toBe(10);
  expect(offers).toBeGreaterThan(locations);
  expect(images).toBeGreaterThan(0);
  expect((await readConnection(store, 'default', 'sim-gcp'))?.inventorySyncedAt).toMatch(/Z$/);
});

/** Opens a worker whose cloud client has some methods replaced. */
const workerThat = (over: (client: CloudClient) => Partial<CloudClient>) =>
  workerWith((client) => Object.assign(client, over(client)));
const offersAt = async (location: string) =>
  (await listOffers(store, key, { limit: 500, location })).items.toSorted((a, b) => (a.id < b.id ? -1 : 1));

it('an inventory sync keeps the offers of a location that it could not read, and records a failure for that location', async () => {
  await sync(workerWith());
  const before = await readConnection(store, 'default', 'sim-gcp');
  const known = await offersAt('us-central1');
  expect(known.length).toBeGreaterThan(0);
  await sync(
    workerThat((client) => {
      const read = client.listOffers.bind(client);
      return {
        listOffers: (location) =>
          location === 'us-central1'
            ? Promise.reject(new DriverError('Unavailable', 'the catalogue is being repaired'))
            : read(location),
      };
    }),
  );
  const after = await readConnection(store, 'default', 'sim-gcp');
  expect(after?.inventorySyncedAt).toBe(before?.inventorySyncedAt);
  expect(after?.inventoryFailures).toEqual([
    { location: 'us-central1', code: 'Unavailable', message: 'the catalogue is being repaired' },
  ]);
  expect(await offersAt('us-central1')).toEqual(known);
  await sync(workerWith());
  const healed = await readConnection(store, 'default', 'sim-gcp');
  expect(healed?.inventoryFailures).toBeUndefined();
  expect(healed?.inventorySyncedAt).not.toBe(before?.inventorySyncedAt);
});

const DENIED = new DriverError('Forbidden', 'ec2:DescribeImages: UnauthorizedOperation: a policy denies it', {
  cloudCode: 'UnauthorizedOperation',
});
/** Opens a worker whose cloud denies the offers of some locations, and records the messages that it sends. */
function denying(isDenied: (location: string) => boolean) {
  const worker = workerThat((client) => {
    const read = client.listOffers.bind(client);
    return {
      listOffers: (location) => (isDenied(location) ? Promise.reject(DENIED) : read(location)),
    };
  });
  const sent: [DriverMessage, number][] = [];
  const context: WorkerContext = {
    ...worker.context,
    send: (next, delayMs) => {
      sent.push([next, delayMs]);
      return Promise.resolve();
    },
  };
  return { context, sent };
}
const locationsNow = async () => (await listLocations(store, key, { limit: 100 })).items;

it('a location that the cloud denies is unavailable with the words of the cloud, and the inventory of the others is complete', async () => {
  const { context, sent } = denying((location) => location === 'us-central1');
  await deliver(context, message);
  const locations = await locationsNow();
  const denied = locations.find(({ name }) => name === 'us-central1');
  expect(denied).toMatchObject({
    available: false,
    unavailable: { code: 'UnauthorizedOperation', message: DENIED.message },
  });
  const { since = '', askedAgainAt = '' } = denied?.unavailable ?? {};
  expect(Date.parse(askedAgainAt) - Date.parse(since)).toBe(15 * 60_000);
  expect(locations.filter(({ available }) => available)).toHaveLength(9);
  const after = await readConnection(store, 'default', 'sim-gcp');
  expect(after?.inventorySyncedAt).toMatch(/Z$/);
  expect(after?.inventoryFailures).toBeUndefined();
  expect(sent).toEqual([[{ ...message, again: { questions: 1, locations: ['us-central1'] } }, 15 * 60_000]]);
});

it('a denied location keeps the time of its first denial, and is available again when its offers can be read', async () => {
  let isDenied = true;
  const { context, sent } = denying((location) => isDenied && location === 'us-central1');
  await deliver(context, message);
  const since = (await locationsNow()).find(({ name }) => name === 'us-central1')?.unavailable?.since;
  await deliver(context, message);
  const again = (await locationsNow()).find(({ name }) => name === 'us-central1');
  expect(again?.unavailable?.since).toBe(since);
  const before = await readConnection(store, 'default', 'sim-gcp');
  isDenied = false;
  const question = sent.at(-1)?.[0];
  if (question?.kind !== 'sync-inventory') throw new TypeError('the sync sent no question');
  await deliver(context, question);
  const open = (await locationsNow()).find(({ name }) => name === 'us-central1');
  expect([open?.available, open?.unavailable]).toEqual([true, undefined]);
  expect((await offersAt('us-central1')).length).toBeGreaterThan(0);
  // A question about one location is no sync of the whole inventory.
  const after = await readConnection(store, 'default', 'sim-gcp');
  expect(after?.inventorySyncedAt).toBe(before?.inventorySyncedAt);
});

it('a sync asks a denied location again four times, then leaves it to the next scheduled sync', async () => {
  const { context, sent } = denying((location) => location === 'us-central1');
  await deliver(context, message);
  for (let at = 0; at < sent.length && at < 10; at += 1) {
    const next = sent[at]?.[0];
    if (next?.kind === 'sync-inventory') await deliver(context, next);
  }
  expect(sent).toHaveLength(4);
});

it('a sync whose locations are all denied tells the denial as a failure of the inventory', async () => {
  const before = await readConnection(store, 'default', 'sim-gcp');
  await deliver(denying(() => true).context, message);
  const after = await readConnection(store, 'default', 'sim-gcp');
  expect(after?.inventorySyncedAt).toBe(before?.inventorySyncedAt);
  expect(after?.inventoryFailures?.[0]).toMatchObject({ code: 'Forbidden', message: DENIED.message });
});

it('an inventory sync that cannot list locations keeps the whole catalogue, and records the failure', async () => {
  await sync(workerWith());
  const known = await catalogue();
  const failure = new DriverError('Unauthorized', 'no right to list regions');
  await sync(workerThat(() => ({ listLocations: () => Promise.reject(failure) })));
  expect(await catalogue()).toEqual(known);
  expect((await readConnection(store, 'default', 'sim-gcp'))?.inventoryFailures).toEqual([
    { code: 'Unauthorized', message: 'no right to list regions' },
  ]);
});

it('an inventory sync marks missing offers and images unavailable, and available with the same ids when the cloud lists them again', async () => {
  await sync(workerWith());
  const known = await offersAt('us-central1');
  const [gone, ...rest] = known;
  for (const { id, location, zone, instanceType } of known)
    expect(id).toBe(`${location}-${zone ?? 'noZone'}-${instanceType}`);
  await sync(
    workerThat((client) => {
      const readOffers = client.listOffers.bind(client);
      const readImages = client.listImages.bind(client);
      return {
        async listOffers(location) {
          const { instanceTypes, offers } = await readOffers(location);
          return { instanceTypes, offers: offers.filter(({ id }) => id !== gone?.id) };
        },
        listImages: async (location) => (location === 'us-central1' ? [] : await readImages(location)),
      };
    }),
  );
  expect(await offersAt('us-central1')).toEqual([{ ...gone, available: false }, ...rest]);
  const { items: images } = await listImages(store, key, { limit: 500, location: 'us-central1' });
  expect(images.length).toBeGreaterThan(0);
  expect(images.every(({ available }) => !available)).toBe(true);
  await sync(workerWith());
  expect(await offersAt('us-central1')).toEqual(known);
});

it('an inventory sync marks a missing location unavailable together with its offers', async () => {
  await sync(workerWith());
  const known = await offersAt('us-central1');
  await sync(
    workerThat((client) => {
      const read = client.listLocations.bind(client);
      return {
        listLocations: async () => (await read()).filter(({ name }) => name !== 'us-central1'),
      };
    }),
  );
  const { items } = await listLocations(store, key, { limit: 100 });
  expect(items.filter(({ available }) => !available).map(({ name }) => name)).toEqual(['us-central1']);
  expect(await offersAt('us-central1')).toEqual(known.map((offer) => ({ ...offer, available: false })));
  await sync(workerWith());
  expect(await offersAt('us-central1')).toEqual(known);
});

it('an inventory sync stores the quotas of each location, notes where they could not be read, and ends all the same', async () => {
  const readQuotas = (location: string): Promise<Quota[]> =>
    location === 'us-central1'
      ? Promise.reject(new DriverError('Throttled', 'too many reads of quotas'))
      : Promise.resolve([{ unit: 'vcpus', name: 'CPUS', limit: 24, used: 2 }]);
  await sync(workerWith());
  const before = (await listQuotas(store, key)).find(({ location }) => location === 'us-central1');
  await sync(workerWith((client) => Object.assign(client, { readQuotas })));
  const quotas = await listQuotas(store, key);
  expect(quotas.map(({ location }) => location)).toEqual((await locationsNow()).map(({ name }) => name));
  for (const { location, readAt, failure, quotas: read } of quotas) {
    const isRead = location !== 'us-central1';
    expect([location, failure?.code]).toEqual([location, isRead ? undefined : 'Throttled']);
    // What the sync before this one has read stays.
    if (isRead) expect(read.map(({ name, limit }) => [name, limit])).toEqual([['CPUS', 24]]);
    else expect([read, readAt]).toEqual([before?.quotas, before?.readAt]);
  }
  const synced = await readConnection(store, 'default', 'sim-gcp');
  expect(synced?.inventorySyncedAt).toMatch(/Z$/);
  expect(synced?.inventoryFailures).toBeUndefined();
  await sync(
    workerThat((client) => {
      const read = client.listLocations.bind(client);
      return {
        listLocations: async () => (await read()).filter(({ name }) => name !== quotas[0]?.location),
      };
    }),
  );
  expect((await listQuotas(store, key)).map(({ location }) => location)).not.toContain(quotas[0]?.location);
});

it('an inventory sync that runs out of time continues in further messages, and records all failures at the end', async () => {
  // Uses another namespace, because the governor remembers the times of these calls.
  const far = { ...connection, namespace: 'far' };
  await createNamespace(store, { name: 'far' });
  await createConnection(store, far);
  let nowMs = Date.UTC(2041, 0, 1);
  const asked: string[] = [];
  const failure = new DriverError('Unauthorized', 'not in this region');
  const worker = workerThat((client) => {
    const readOffers = client.listOffers.bind(client);
    return {
      async listOffers(location) {
        nowMs += 5_000;
        asked.push(location);
        if (asked.length === 2) throw failure;
        return await readOffers(location);
      },
    };
  });
  const slow = { ...store, clock: { ...store.clock, now: () => nowMs } };
  const messages = await deliver(
    { ...worker.context, store: slow },
    { ...message, connectionKey: 'sim/far/sim-gcp' },
  );
  const left = messages.map((one) => (one.kind === 'sync-inventory' ? one.left?.length : undefined));
  expect(left).toEqual([undefined, 6, 2]);
  expect(new Set(asked).size).toBe(10);
  expect(asked).toHaveLength(10);
  const { inventorySyncedAt, inventoryFailures } = (await readConnection(store, 'far', 'sim-gcp')) ?? {};
  expect(inventorySyncedAt).toBeUndefined();
  expect(inventoryFailures).toEqual([
    { code: 'Unauthorized', message: 'not in this region', location: asked[1] },
  ]);
});

it('an inventory sync of a deleted connection calls no cloud and leaves no records', async () => {
  await removeRecord(store, 'default', 'sim-gcp');
  const worker = workerWith(() => {
    throw new Error('the connection was opened');
  });
  expect(await syncInventory(worker.context, message)).toEqual({ done: true });
  expect(await catalogue()).toEqual([0, 0, 0]);
});

it('an inventory sync whose connection is deleted while it runs leaves no records', async () => {
  const worker = workerWith((client) => {
    const listLocations = client.listLocations.bind(client);
    return Object.assign(client, {
      async listLocations() {
        const locations = await listLocations();
        await removeRecord(store, 'default', 'sim-gcp');
        return locations;
      },
    });
  });
  expect(await syncInventory(worker.context, message)).toEqual({ done: true });
  expect(await catalogue()).toEqual([0, 0, 0]);
});

it('an inventory sync of a connection without a credential ends and is not repeated', async () => {
  const { context } = workerWith();
  const open = () => Promise.reject(new DriverError('Unauthorized', 'no credential'));
  expect(await syncInventory({ ...context, open }, message)).toEqual({ done: true });
  expect((await readConnection(store, 'default', 'sim-gcp'))?.inventorySyncedAt).toBeUndefined();
});
