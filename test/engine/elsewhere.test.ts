import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFleet } from '../../functions/features/fleets/fleet-view.ts';
import { settleFleet } from '../../functions/features/fleets/settle.ts';
import { readHolders } from '../../functions/platform/governor/hold-location.ts';
import { readInstanceRange } from '../../functions/platform/store/instances.ts';
import { moveInstance } from '../../functions/platform/store/move.ts';
import { readNetworks } from '../../functions/platform/store/networks.ts';
import { loadSimConfig } from '../../local/sim/engine/config.ts';
import type { Fault } from '../../local/sim/engine/faults.ts';
import { type SimServer, startSimServer } from '../../local/sim/serve.ts';
import { withOneZone } from '../samples/one-zone.ts';
import { FleetRuns } from './fleet-runs.ts';
import { OneProcess } from './one-process.ts';
import { useTables } from './tables.ts';

const TIME_SCALE = 10;
const store = useTables();
let sim: SimServer;
const { begin, prepare, launch, sendLaunches, answersOf, remove, booksOf } = new FleetRuns(store, () => sim);

beforeAll(async () => {
  sim = await startSimServer({
    config: withOneZone(loadSimConfig()),
    port: 0,
    seed: 11,
    timeScale: TIME_SCALE,
  });
});
afterAll(async () => await sim.close());

function fail(location: string, fault: Pick<Fault, 'call' | 'kind'> & Partial<Fault>): void {
  sim.engine.addFault({ cloud: 'aws', connection: '*', location, probability: 1, ...fault });
}

const running = (count: number) => Array.from({ length: count }, () => ({ outcome: 'Running' }));

describe('moving an instance to another location', () => {
  it('instances that a cloud refuses for capacity move to a location of their group that had no instances', async () => {
    const [first, second, spare] = ['us-east-1', 'us-west-2', 'eu-west-1'];
    for (const location of [first, second]) fail(location, { call: 'create', kind: 'capacity' });
    const process = new OneProcess(store, sim.url, TIME_SCALE);
    const { fleetId, placements } = await begin(process, 'spread', 2, [first, second, spare]);
    await prepare(process, fleetId, placements);
    expect(await launch(process, fleetId, placements, 2)).toEqual(running(2));
    expect(booksOf(fleetId)).toMatchObject({ aliveAt: [spare, spare], ever: 2, violations: 0 });
    const fleet = await readFleet(store, 'default', fleetId);
    expect(fleet).toMatchObject({ counts: { requested: 2, Running: 2 }, failures: [] });
    expect(fleet?.byLocation).toMatchObject([{ location: spare, counts: { requested: 2, Running: 2 } }]);
    const records = await readInstanceRange(store, fleetId, 0, 1);
    // The two instances try the other locations in different orders. The second instance tries the spare
    // location first.
    expect(records.map(({ attempt, tried }) => [attempt, tried])).toEqual([
      [3, [first, second]],
      [2, [second]],
    ]);
    // The first launch at the spare location made the network there.
    const made = await readNetworks(store, { fleetId });
    expect(new Set(made.map(({ location }) => location))).toEqual(new Set([first, second, spare]));
    for (const site of placements) expect(await readHolders(store, site), site.location).toEqual({});
    expect(await settleFleet(store, { fleetId, execution: 1 })).toEqual({ status: 'Running' });
    await remove(process, fleetId);
    expect(booksOf(fleetId).alive).toBe(0);
    expect(await readNetworks(store, { fleetId })).toEqual([]);
  }, 90_000);

  it('an instance fails with the last reason if every location of its group refused it', async () => {
    const locations = ['eu-central-1', 'sa-east-1'];
    for (const location of locations) fail(location, { call: 'create', kind: 'capacity' });
    const process = new OneProcess(store, sim.url, TIME_SCALE);
    const { fleetId, placements } = await begin(process, 'nowhere', 3, locations);
    await prepare(process, fleetId, placements);
    const answers = await launch(process, fleetId, placements);
    expect(answers).toEqual(Array.from({ length: 3 }, () => ({ outcome: 'Failed' })));
    expect(await readFleet(store, 'default', fleetId)).toMatchObject({
      counts: { requested: 3, Failed: 3 },
      failures: [{ code: 'InsufficientCapacity', count: 3 }],
    });
    for (const site of placements) expect(await readHolders(store, site)).toEqual({});
    await remove(process, fleetId);
  }, 90_000);

  it('an instance whose machine broke during its boot moves to another location', async () => {
    fail('ap-south-1', { call: 'create', kind: 'bootFailure' });
    const process = new OneProcess(store, sim.url, TIME_SCALE);
    const { fleetId, placements } = await begin(process, 'broken', 1, ['ap-south-1', 'ap-southeast-1']);
    await prepare(process, fleetId, placements);
    expect(await launch(process, fleetId, placements)).toEqual(running(1));
    expect(booksOf(fleetId)).toMatchObject({ aliveAt: ['ap-southeast-1'], ever: 2 });
    for (const site of placements) expect(await readHolders(store, site)).toEqual({});
    await remove(process, fleetId);
    expect(booksOf(fleetId).alive).toBe(0);
  }, 90_000);

  it('an instance is launched and its slot is given back even if the worker that moved the instance died', async () => {
    const [home, other] = ['ap-northeast-1', 'us-west-1'];
    const process = new OneProcess(store, sim.url, TIME_SCALE);
    const fleet = await begin(process, 'orphaned', 1, [home, other]);
    const { fleetId, placements } = fleet;
    await prepare(process, fleetId, placements);
    fail(home, { call: 'create', kind: 'throttle' });
    const tokens = sendLaunches(process, fleet);
    const site = { connectionKey: 'sim/default/sim-aws', location: home };
    await expect(process.runUntil(() => false, 1_500)).rejects.toThrow('not done');
    const [record] = await readInstanceRange(store, fleetId, 0, 0);
    if (record?.launchState !== 'refused')
      throw new Error(`the launch is ${record?.launchState}, not refused`);
    expect(Object.keys(await readHolders(store, site))).toEqual([record.instanceId]);
    expect(await moveInstance(store, record, other, [])).toBe('moved');
    expect(await answersOf(process, tokens)).toEqual(running(1));
    expect(booksOf(fleetId)).toMatchObject({ aliveAt: [other], ever: 1 });
    for (const one of placements) expect(await readHolders(store, one)).toEqual({});
    await remove(process, fleetId);
  }, 90_000);
});

it('instances run at another site if their site gets no network resources', async () => {
  const [bare, other] = ['us-east-2', 'ca-central-1'];
  fail(bare, { call: 'ensure', kind: 'quota' });
  const process = new OneProcess(store, sim.url, TIME_SCALE);
  const { fleetId, placements } = await begin(process, 'bare', 4, [bare, other]);
  // The step ends without networks at the bare site. The launches there then wait, or go to the other site.
  await prepare(process, fleetId, placements);
  expect(await launch(process, fleetId, placements)).toEqual(running(4));
  expect(booksOf(fleetId)).toMatchObject({ aliveAt: [other, other, other, other], ever: 4 });
  expect((await readFleet(store, 'default', fleetId))?.counts).toEqual({ requested: 4, Running: 4 });
  for (const site of placements) expect(await readHolders(store, site)).toEqual({});
  await remove(process, fleetId);
  expect(await readNetworks(store, { fleetId })).toEqual([]);
}, 90_000);
