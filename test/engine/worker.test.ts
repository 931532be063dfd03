import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFleet } from '../../functions/fleets/view.ts';
import { readHolders } from '../../functions/governor/governor.ts';
import type { FleetSpec } from '../../functions/model/fleet.ts';
import { makeFleetId } from '../../functions/model/identifiers.ts';
import { limitProfileOf } from '../../functions/model/limit-profile.ts';
import { layOut, type Placement } from '../../functions/placement/lay-out.ts';
import { createFleet, readFleetItem, updateFleet } from '../../functions/store/fleets.ts';
import { readNetworks } from '../../functions/store/networks.ts';
import { closePlacement, openPlacement } from '../../functions/store/placements.ts';
import { loadSimConfig } from '../../local/sim/config.ts';
import { readBooks } from '../../local/sim/engine/books.ts';
import { type SimServer, startSimServer } from '../../local/sim/serve.ts';
import { OneProcess } from './one-process.ts';
import { useTables } from './tables.ts';

const TIME_SCALE = 10;
const store = useTables();
let sim: SimServer;

beforeAll(async () => {
  sim = await startSimServer({ config: loadSimConfig(), port: 0, seed: 7, timeScale: TIME_SCALE });
});
afterAll(async () => await sim.close());

/** A fleet with its placements open, and the message that each of its instances waits with. */
async function begin(process: OneProcess, name: string, size: number, locations: string[]) {
  const spec: FleetSpec = {
    fleetId: makeFleetId(Date.now(), Math.random),
    namespace: 'default',
    name,
    nodeGroups: [
      {
        name: 'web',
        size,
        connection: 'sim-aws',
        locations,
        instanceType: 'm6i.large',
        image: 'ubuntu-24.04',
        driver: 'sim',
        cloud: 'aws',
        imageBackendIds: await imageIds(process, locations),
        pricesUsdPerHour: {},
      },
    ],
  };
  await createFleet(store, { spec, request: { failurePolicy: 'continue' } });
  const fleet = await readFleetItem(store, spec.fleetId);
  if (!fleet) throw new Error('no fleet');
  await updateFleet(store, fleet, {
    status: 'Creating',
    sshPublicKey: 'ssh-rsa AAAA test',
  });
  const placements = layOut(spec);
  for (const placement of placements) await openPlacement(store, spec.fleetId, placement, 1);
  return { fleetId: spec.fleetId, placements };
}

async function imageIds(process: OneProcess, locations: string[]): Promise<Record<string, string>> {
  const { client } = await process.context.open('default/sim-aws');
  const ids: Record<string, string> = {};
  for (const location of locations) {
    const image = (await client.listImages(location)).find(({ name }) => name === 'ubuntu-24.04');
    if (image) ids[location] = image.backendId;
  }
  return ids;
}

const messageOf = (fleetId: string, { connectionKey, location }: Placement, taskToken: string) => ({
  fleetId,
  connectionKey,
  location,
  taskToken,
});

async function prepare(process: OneProcess, fleetId: string, placements: Placement[]) {
  const tokens = placements.map(({ location }) => `net ${fleetId} ${location}`);
  placements.forEach((placement, at) => {
    // Twice, as a queue may deliver it: the resources are made once all the same.
    for (let copy = 0; copy < 2; copy += 1) {
      process.send({ kind: 'prepare-networks', ...messageOf(fleetId, placement, tokens[at] ?? '') });
    }
  });
  await process.runUntil(() => tokens.every((token) => process.answers.has(token)), 20_000);
}

async function launch(process: OneProcess, fleetId: string, placements: Placement[], copies = 1) {
  const tokens: string[] = [];
  for (const placement of placements) {
    for (let index = placement.first; index < placement.first + placement.count; index += 1) {
      const taskToken = `launch ${fleetId} ${index}`;
      tokens.push(taskToken);
      for (let copy = 0; copy < copies; copy += 1) {
        process.send({ kind: 'launch', index, round: 1, ...messageOf(fleetId, placement, taskToken) });
      }
    }
  }
  await process.runUntil(() => tokens.every((token) => process.answers.has(token)), 40_000);
  return tokens.map((token) => process.answers.get(token)?.[0]);
}

async function remove(process: OneProcess, fleetId: string, placements: Placement[]) {
  const fleet = await readFleetItem(store, fleetId);
  if (fleet) await updateFleet(store, fleet, { status: 'Terminating' });
  for (const placement of placements) await closePlacement(store, fleetId, placement);
  for (const [round, kind] of [
    ['', 'terminate'],
    ['access', 'remove-networks'],
    ['network', 'remove-networks'],
  ]) {
    const tokens = placements.map(({ location }) => `${kind} ${round} ${fleetId} ${location}`);
    placements.forEach((placement, at) => {
      const base = { ...messageOf(fleetId, placement, tokens[at] ?? ''), scope: 'fleet' as const };
      if (kind === 'terminate') process.send({ kind, ...base });
      else
        process.send({ kind: 'remove-networks', round: round === 'access' ? 'access' : 'network', ...base });
    });
    await process.runUntil(() => tokens.every((token) => process.answers.has(token)), 40_000);
  }
}

/** What the clouds' own books say of one fleet. */
function booksOf(fleetId: string) {
  const { clouds } = readBooks(sim.engine.world);
  const instances = clouds
    .flatMap((cloud) => cloud.instances)
    .filter(({ tags }) => tags['fleetwright:instance']?.startsWith(fleetId));
  return {
    alive: instances.filter(({ status }) => status !== 'Terminated').length,
    ever: new Set(instances.map(({ backendId }) => backendId)).size,
    violations: clouds.reduce(
      (sum, cloud) => sum + Object.values(cloud.limitViolations).reduce((all, count) => all + count, 0),
      0,
    ),
    throttled: clouds.reduce((sum, cloud) => sum + cloud.throttled, 0),
  };
}

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
    await remove(process, fleetId, placements);
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
    await remove(process, fleetId, placements);
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
    await remove(process, fleetId, placements);
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
    await remove(process, fleetId, placements);
    expect(booksOf(fleetId)).toMatchObject({ alive: 0, ever: 40 });
  }, 90_000);
});
