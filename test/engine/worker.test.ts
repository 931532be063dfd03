import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchCreate, CreateOutcome } from '../../functions/drivers/contract/capabilities.ts';
import type { CloudClient, InstanceSpec } from '../../functions/drivers/contract/driver.ts';
import { DriverError } from '../../functions/drivers/contract/errors.ts';
import { readFleet } from '../../functions/features/fleets/fleet-view.ts';
import { limitProfileOf } from '../../functions/model/limits-in-force.ts';
import { readHolders } from '../../functions/platform/governor/hold-location.ts';
import { createConnection, readConnection } from '../../functions/platform/store/connections.ts';
import { createNamespace } from '../../functions/platform/store/namespaces.ts';
import { readNetworks } from '../../functions/platform/store/networks.ts';
import type { OpenConnection } from '../../functions/platform/worker/context.ts';
import { loadSimConfig } from '../../local/sim/engine/config.ts';
import { type SimServer, startSimServer } from '../../local/sim/serve.ts';
import { withOneZone } from '../samples/one-zone.ts';
import { FleetRuns } from './fleet-runs.ts';
import { OneProcess } from './one-process.ts';
import { removeRecord } from './remove-record.ts';
import { useTables } from './tables.ts';

const TIME_SCALE = 10;
const store = useTables();
let sim: SimServer;

beforeAll(async () => {
  sim = await startSimServer({
    config: withOneZone(loadSimConfig()),
    port: 0,
    seed: 7,
    timeScale: TIME_SCALE,
  });
});
afterAll(async () => await sim.close());

const { begin, prepare, launch, remove, booksOf } = new FleetRuns(store, () => sim);

describe('the worker', () => {
  it('the worker launches more instances than there are slots, each exactly once, and removes all of them', async () => {
    const process = new OneProcess(store, sim.url, TIME_SCALE);
    const { fleetId, placements } = await begin(process, 'whole', 50, ['us-east-1', 'us-west-2']);
    await prepare(process, fleetId, placements);
    const outcomes = await launch(process, fleetId, placements, 2);
    expect(outcomes).toEqual(Array.from({ length: 50 }, () => ({ outcome: 'Running' })));
    expect(booksOf(fleetId)).toMatchObject({ alive: 50, ever: 50, violations: 0 });
    expect((await readFleet(store, 'default', fleetId))?.counts).toEqual({ requested: 50, Running: 50 });
    await process.runUntil(() => true, 1);
    for (const site of placements) expect(await readHolders(store, site)).toEqual({});
    await remove(process, fleetId);
    expect(booksOf(fleetId).alive).toBe(0);
    expect(await readNetworks(store, { fleetId })).toEqual([]);
    expect((await readFleet(store, 'default', fleetId))?.counts).toEqual({ requested: 50, Terminated: 50 });
  }, 90_000);

  it('the worker makes one machine for each instance even if half of the create replies are lost', async () => {
    sim.engine.addFault({
      cloud: 'aws',
      connection: '*',
      location: 'eu-west-1',
      call: 'create',
      kind: 'loseReplyAfterEffect',
      probability: 0.5,
    });
    const process = new OneProcess(store, sim.url, TIME_SCALE);
    const { fleetId, placements } = await begin(process, 'lossy', 12, ['eu-west-1']);
    await prepare(process, fleetId, placements);
    const outcomes = await launch(process, fleetId, placements);
    expect(outcomes).toEqual(Array.from({ length: 12 }, () => ({ outcome: 'Running' })));
    expect(booksOf(fleetId)).toMatchObject({ alive: 12, ever: 12 });
    await remove(process, fleetId);
    expect(booksOf(fleetId).alive).toBe(0);
  }, 90_000);

  it('the worker batches equal launches into one create call, and records the outcome of each', async () => {
    const calls: InstanceSpec[][] = [];
    let refusals = 0;
    let losses = 0;
    const batching = (client: CloudClient): CloudClient & BatchCreate =>
      Object.assign(client, {
        maxBatchSize: 4,
        async createInstances(specs: readonly InstanceSpec[]): Promise<CreateOutcome[]> {
          calls.push([...specs]);
          if (refusals < 1) {
            refusals += 1;
            return specs.map(() => ({
              error: new DriverError('Throttled', 'slow down', { retryAfterMs: 100 }),
            }));
          }
          return await Promise.all(
            specs.map(async (spec): Promise<CreateOutcome> => {
              const instance = await client.createInstance(spec);
              losses += 1;
              // The cloud makes the last instance of the first batch that it accepts, but the answer is lost.
              return losses === 4 ? { error: new DriverError('OutcomeUnknown', 'no answer') } : { instance };
            }),
          );
        },
      });
    const process = new OneProcess(store, sim.url, TIME_SCALE, batching);
    process.believe({ ...limitProfileOf({ driver: 'sim', cloud: 'aws' }, undefined), machinesPerCall: 4 });
    const { fleetId, placements } = await begin(process, 'batched', 10, ['ap-northeast-2']);
    await prepare(process, fleetId, placements);
    const outcomes = await launch(process, fleetId, placements);
    expect(outcomes).toEqual(Array.from({ length: 10 }, () => ({ outcome: 'Running' })));
    expect(booksOf(fleetId)).toMatchObject({ alive: 10, ever: 10 });
    expect(calls.every(({ length }) => length >= 2 && length <= 4)).toBe(true);
    expect([refusals, calls.length > 2]).toEqual([1, true]);
    await remove(process, fleetId);
    expect(booksOf(fleetId).alive).toBe(0);
  }, 90_000);

  it('the worker keeps the instances that a batch made even if the cloud refused other instances of the batch', async () => {
    const sizes: number[] = [];
    // The cloud never has room for these instances, in a batch or alone.
    const roomless = new Set<string>();
    const noRoom = () => new DriverError('InsufficientCapacity', 'no room for this one');
    const batching = (client: CloudClient): CloudClient & BatchCreate => {
      const createInstance = client.createInstance.bind(client);
      return Object.assign(client, {
        maxBatchSize: 5,
        createInstance: (spec: InstanceSpec) =>
          roomless.has(spec.instanceId) ? Promise.reject(noRoom()) : createInstance(spec),
        async createInstances(specs: readonly InstanceSpec[]): Promise<CreateOutcome[]> {
          sizes.push(specs.length);
          return await Promise.all(
            specs.map(async (spec, at): Promise<CreateOutcome> => {
              if (sizes.length === 1 && at % 2 === 1) roomless.add(spec.instanceId);
              return roomless.has(spec.instanceId)
                ? { error: noRoom() }
                : { instance: await createInstance(spec) };
            }),
          );
        },
      });
    };
    const process = new OneProcess(store, sim.url, TIME_SCALE, batching);
    process.believe({ ...limitProfileOf({ driver: 'sim', cloud: 'aws' }, undefined), machinesPerCall: 4 });
    const { fleetId, placements } = await begin(process, 'half-batched', 10, ['ca-central-1']);
    await prepare(process, fleetId, placements);
    const outcomes = await launch(process, fleetId, placements);
    const refused = Math.floor((sizes[0] ?? 0) / 2);
    expect(refused).toBeGreaterThan(0);
    expect(outcomes.filter((answer) => answer?.['outcome'] === 'Failed')).toHaveLength(refused);
    const fleet = await readFleet(store, 'default', fleetId);
    expect(fleet?.counts).toEqual({ requested: 10, Running: 10 - refused, Failed: refused });
    expect(fleet?.failures).toMatchObject([{ code: 'InsufficientCapacity', count: refused }]);
    expect(booksOf(fleetId)).toMatchObject({ alive: 10 - refused, ever: 10 - refused });
    for (const site of placements) expect(await readHolders(store, site)).toEqual({});
    await remove(process, fleetId);
    expect(booksOf(fleetId).alive).toBe(0);
  }, 90_000);

  it('the worker repeats a create that the cloud refused because the credential was rotated', async () => {
    const process = new OneProcess(store, sim.url, TIME_SCALE);
    await createNamespace(store, { name: 'default' });
    await createConnection(store, {
      namespace: 'default',
      name: 'sim-aws',
      driver: 'sim',
      cloud: 'aws',
      status: 'Ready',
      credentialVersion: 2,
      createdAt: new Date(0).toISOString(),
    });
    const { open } = process.context;
    let isOld = true;
    let refusals = 0;
    Object.assign(process.context, {
      async open(key: string): Promise<OpenConnection> {
        const opened = await open(key);
        const { client } = opened;
        if (!isOld) return { ...opened, connection: { ...opened.connection, credentialVersion: 2 } };
        const createInstance = () => {
          refusals += 1;
          return Promise.reject(new DriverError('Unauthorized', 'this key is of no use any more'));
        };
        return {
          ...opened,
          connection: { ...opened.connection, credentialVersion: 1 },
          client: Object.assign(client, { createInstance }),
        };
      },
      forget: () => {
        isOld = false;
      },
    });
    const { fleetId, placements } = await begin(process, 'rotated', 6, ['sa-east-1']);
    await prepare(process, fleetId, placements);
    const outcomes = await launch(process, fleetId, placements);
    expect(refusals).toBeGreaterThan(0);
    expect(outcomes).toEqual(Array.from({ length: 6 }, () => ({ outcome: 'Running' })));
    expect((await readConnection(store, 'default', 'sim-aws'))?.status).toBe('Ready');
    await remove(process, fleetId);
    expect(booksOf(fleetId)).toMatchObject({ alive: 0, ever: 6 });
    await removeRecord(store, 'default', 'sim-aws');
  }, 90_000);

  it('the worker records why instances failed, gives back their slots and makes no machine for these instances', async () => {
    sim.engine.addFault({
      cloud: 'aws',
      connection: '*',
      location: 'eu-central-1',
      call: 'create',
      kind: 'capacity',
      probability: 1,
      count: 3,
    });
    const process = new OneProcess(store, sim.url, TIME_SCALE);
    const { fleetId, placements } = await begin(process, 'short', 8, ['eu-central-1']);
    await prepare(process, fleetId, placements);
    const outcomes = await launch(process, fleetId, placements);
    expect(outcomes.filter((answer) => answer?.['outcome'] === 'Failed')).toHaveLength(3);
    const fleet = await readFleet(store, 'default', fleetId);
    expect(fleet?.counts).toEqual({ requested: 8, Running: 5, Failed: 3 });
    expect(fleet?.failures).toMatchObject([{ code: 'InsufficientCapacity', count: 3 }]);
    for (const site of placements) expect(await readHolders(store, site)).toEqual({});
    await remove(process, fleetId);
    expect(booksOf(fleetId)).toMatchObject({ alive: 0, ever: 5 });
  }, 90_000);

  it('the cloud throttles a worker whose limits exceed the limits of the cloud', async () => {
    const process = new OneProcess(store, sim.url, TIME_SCALE);
    // Enough launches to empty the cloud's bucket, also on a slow machine.
    const size = 120;
    const { fleetId, placements } = await begin(process, 'ungoverned', size, ['ap-northeast-1']);
    await prepare(process, fleetId, placements);
    const before = booksOf(fleetId);
    const lax = { perSecond: 10_000, burst: 10_000 };
    process.believe({
      ...limitProfileOf({ driver: 'sim', cloud: 'aws' }, undefined),
      concurrentInstancesPerLocation: 1_000,
      calls: { create: lax, list: lax, mutate: lax },
    });
    const outcomes = await launch(process, fleetId, placements);
    expect(outcomes).toEqual(Array.from({ length: size }, () => ({ outcome: 'Running' })));
    expect(booksOf(fleetId).throttled - before.throttled).toBeGreaterThan(0);
    await remove(process, fleetId);
    expect(booksOf(fleetId)).toMatchObject({ alive: 0, ever: size });
  }, 90_000);
});
