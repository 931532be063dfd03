import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFleet } from '../../functions/fleets/view.ts';
import { readHolders } from '../../functions/governor/governor.ts';
import { limitProfileOf } from '../../functions/model/limit-profile.ts';
import { readNetworks } from '../../functions/store/networks.ts';
import { loadSimConfig } from '../../local/sim/config.ts';
import { type SimServer, startSimServer } from '../../local/sim/serve.ts';
import { FleetRuns } from './fleet-runs.ts';
import { OneProcess } from './one-process.ts';
import { useTables } from './tables.ts';

const TIME_SCALE = 10;
const store = useTables();
let sim: SimServer;

beforeAll(async () => {
  sim = await startSimServer({ config: loadSimConfig(), port: 0, seed: 7, timeScale: TIME_SCALE });
});
afterAll(async () => await sim.close());

const { begin, prepare, launch, remove, booksOf } = new FleetRuns(store, () => sim);

describe('the worker', () => {
  it('launches beyond the slots, once each, and takes everything down again', async () => {
    const process = new OneProcess(store, sim.url, TIME_SCALE);
    const { fleetId, placements } = await begin(process, 'whole', 50, ['us-east-1', 'us-west-2']);
    await prepare(process, fleetId, placements);
    const outcomes = await launch(process, fleetId, placements, 2);
    expect(outcomes).toEqual(Array.from({ length: 50 }, () => ({ outcome: 'Running' })));
    expect(booksOf(fleetId)).toMatchObject({ alive: 50, ever: 50, violations: 0 });
    expect((await readFleet(store, 'default', fleetId))?.counts).toEqual({ requested: 50, Running: 50 });
    await process.runUntil(() => true, 1);
    for (const place of placements) expect(await readHolders(store, place)).toEqual({});
    await remove(process, fleetId);
    expect(booksOf(fleetId).alive).toBe(0);
    expect(await readNetworks(store, { fleetId })).toEqual([]);
    expect((await readFleet(store, 'default', fleetId))?.counts).toEqual({ requested: 50, Terminated: 50 });
  }, 90_000);

  it('makes no second machine when replies are lost, and forgets none', async () => {
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

  it('tells why an instance failed, and leaves nothing of it', async () => {
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
    for (const place of placements) expect(await readHolders(store, place)).toEqual({});
    await remove(process, fleetId);
    expect(booksOf(fleetId)).toMatchObject({ alive: 0, ever: 5 });
  }, 90_000);

  it('is held by the governor: with limits that it believes too high, the cloud does throttle', async () => {
    const process = new OneProcess(store, sim.url, TIME_SCALE);
    const { fleetId, placements } = await begin(process, 'ungoverned', 40, ['ap-northeast-1']);
    await prepare(process, fleetId, placements);
    const before = booksOf(fleetId);
    const lax = { perSecond: 10_000, burst: 10_000 };
    process.believe({
      ...limitProfileOf('aws', undefined),
      concurrentInstancesPerLocation: 1_000,
      calls: { create: lax, list: lax, mutate: lax },
    });
    const outcomes = await launch(process, fleetId, placements);
    expect(outcomes).toEqual(Array.from({ length: 40 }, () => ({ outcome: 'Running' })));
    expect(booksOf(fleetId).throttled - before.throttled).toBeGreaterThan(0);
    await remove(process, fleetId);
    expect(booksOf(fleetId)).toMatchObject({ alive: 0, ever: 40 });
  }, 90_000);
});
