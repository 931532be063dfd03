import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { actOnFleet } from '../../functions/features/fleets/actions.ts';
import { beginTermination } from '../../functions/features/fleets/begin-termination.ts';
import { readFleet } from '../../functions/features/fleets/fleet-view.ts';
import { settleFleet } from '../../functions/features/fleets/settle.ts';
import type { ExecutionRef } from '../../functions/features/fleets/workflows.ts';
import { limitProfileOf } from '../../functions/model/limits-in-force.ts';
import { readHolders } from '../../functions/platform/governor/hold-location.ts';
import type { Placement } from '../../functions/platform/placement/lay-out.ts';
import { readNetworks } from '../../functions/platform/store/networks.ts';
import { findFleetByName } from '../../functions/platform/store/new-fleet.ts';
import { readFleetPartition } from '../../functions/platform/store/placements.ts';
import { loadSimConfig } from '../../local/sim/engine/config.ts';
import { type SimServer, startSimServer } from '../../local/sim/serve.ts';
import { withOneZone } from '../samples/one-zone.ts';
import { FleetRuns } from './fleet-runs.ts';
import { OneProcess } from './one-process.ts';
import { useTables } from './tables.ts';

const TIME_SCALE = 10;
const store = useTables();
let sim: SimServer;
const { begin, beginWith, assignment, prepare, launch, sendLaunches, answersOf, terminate, remove, booksOf } =
  new FleetRuns(store, () => sim);

beforeAll(async () => {
  sim = await startSimServer({
    config: withOneZone(loadSimConfig()),
    port: 0,
    seed: 13,
    timeScale: TIME_SCALE,
  });
});
afterAll(async () => await sim.close());

/** Opens a worker with few slots for each site, so that most launches are queued. */
function slowProcess(concurrentInstancesPerLocation: number): OneProcess {
  const process = new OneProcess(store, sim.url, TIME_SCALE);
  process.believe({
    ...limitProfileOf({ driver: 'sim', cloud: 'aws' }, undefined),
    concurrentInstancesPerLocation,
  });
  return process;
}

const refuse = (location: string, count: number) =>
  sim.engine.addFault({
    cloud: 'aws',
    connection: '*',
    location,
    call: 'create',
    kind: 'capacity',
    probability: 1,
    count,
  });

const view = (fleetId: string) => readFleet(store, 'default', fleetId);

async function expectNoSlots(placements: readonly Placement[]): Promise<void> {
  for (const site of placements) expect(await readHolders(store, site), site.location).toEqual({});
}

async function launchingOf(fleetId: string) {
  const { placements } = await readFleetPartition(store, fleetId);
  return placements.map(({ launching }) => launching);
}

const outcomes = (answers: readonly (Record<string, unknown> | undefined)[]) => {
  const counts: Record<string, number> = {};
  for (const answer of answers) {
    const outcome = String(answer?.['outcome']);
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
};

describe('failure policy rollback', () => {
  it('a rollback stops launching at the first failure, removes all instances and keeps the reasons', async () => {
    const process = slowProcess(3);
    refuse('us-east-1', 1);
    const fleet = await beginWith(process, {
      name: 'rolled-back',
      failurePolicy: 'rollback',
      groups: [
        { name: 'web', size: 20, locations: ['us-east-1'] },
        { name: 'db-one', size: 20, locations: ['us-east-2'] },
      ],
    });
    const { fleetId, placements } = fleet;
    await prepare(process, fleetId, placements);
    const counts = outcomes(await answersOf(process, sendLaunches(process, fleet)));
    expect(counts['Failed']).toBe(1);
    // Few launches had begun at each site when the failure decided the fleet's end.
    expect(counts['Cancelled']).toBeGreaterThan(20);
    expect(await launchingOf(fleetId)).toEqual(['paused', 'paused']);
    expect(booksOf(fleetId).ever).toBe(counts['Running'] ?? 0);

    const settled = { status: 'RollingBack', removal: { fleetId, execution: 2, scope: 'fleet' } };
    expect(await settleFleet(store, { fleetId, execution: 1 })).toEqual(settled);
    expect(await settleFleet(store, { fleetId, execution: 1 })).toEqual(settled);
    expect(await terminate(process, fleetId, 'fleet')).toEqual({ status: 'RolledBack', done: true });
    expect(booksOf(fleetId).alive).toBe(0);
    expect(await readNetworks(store, { fleetId })).toEqual([]);
    await expectNoSlots(placements);
    expect(await findFleetByName(store, 'default', 'rolled-back')).toBeUndefined();
    expect(await view(fleetId)).toMatchObject({
      status: 'RolledBack',
      counts: { requested: 40, Terminated: 39, Failed: 1 },
      failures: [{ code: 'InsufficientCapacity', count: 1 }],
      allowedActions: [],
    });
  }, 90_000);

  it('a fleet with policy `rollback` launches further instances while it can still reach its minimum', async () => {
    const process = new OneProcess(store, sim.url, TIME_SCALE);
    refuse('us-west-1', 2);
    const { fleetId, placements } = await beginWith(process, {
      name: 'enough',
      failurePolicy: 'rollback',
      minimumInstances: 6,
      groups: [{ name: 'web', size: 8, locations: ['us-west-1'] }],
    });
    await prepare(process, fleetId, placements);
    expect(outcomes(await launch(process, fleetId, placements))).toEqual({ Running: 6, Failed: 2 });
    expect(await settleFleet(store, { fleetId, execution: 1 })).toEqual({ status: 'PartiallyRunning' });
    expect(await view(fleetId)).toMatchObject({ shortfall: 2, allowedActions: ['retry', 'refine'] });
    await remove(process, fleetId);
  }, 90_000);
});

describe('failure policy refine', () => {
  it('a refine removes failed instances and the networks that only these instances needed, and a retry launches the instances again', async () => {
    const process = new OneProcess(store, sim.url, TIME_SCALE);
    refuse('eu-west-1', 3);
    refuse('sa-east-1', 2);
    const fleet = await beginWith(process, {
      name: 'refined',
      failurePolicy: 'refine',
      groups: [
        { name: 'web', size: 6, locations: ['eu-west-1'] },
        { name: 'db-two', size: 2, locations: ['sa-east-1'] },
      ],
    });
    const { fleetId, placements } = fleet;
    await prepare(process, fleetId, placements);
    expect(outcomes(await launch(process, fleetId, placements))).toEqual({ Running: 3, Failed: 5 });
    const removal = { fleetId, execution: 2, scope: 'failed' };
    expect(await settleFleet(store, { fleetId, execution: 1 })).toEqual({ status: 'Creating', removal });
    // Nothing is being launched now, so the user can neither hold nor abort.
    expect((await view(fleetId))?.allowedActions).toEqual([]);
    expect(await terminate(process, fleetId, 'failed')).toEqual({ status: 'Running', done: true });
    expect(booksOf(fleetId).aliveAt).toEqual(['eu-west-1', 'eu-west-1', 'eu-west-1']);
    const kept = await readNetworks(store, { fleetId });
    expect(new Set(kept.map(({ location }) => location))).toEqual(new Set(['eu-west-1']));
    expect(await view(fleetId)).toMatchObject({
      status: 'Running',
      counts: { requested: 8, Running: 3, Terminated: 5 },
      shortfall: 5,
      failures: [{ code: 'InsufficientCapacity', count: 5 }],
      allowedActions: ['retry'],
    });

    const started: ExecutionRef[] = [];
    const deps = { store, workflows: workflows(started) };
    expect(await actOnFleet(deps, 'default', fleetId, { action: 'retry' })).toEqual({ outcome: 'accepted' });
    expect(started).toEqual([{ work: 'provision', fleetId, execution: 3 }]);
    await assignment(fleetId, 3);
    await prepare(process, fleetId, placements);
    const tokens = sendLaunches(process, fleet, 2);
    // The messages of the refine are delivered again during the next round.
    for (const { connectionKey, location } of placements) {
      const late = { fleetId, connectionKey, location, scope: 'failed' as const };
      process.send({ kind: 'terminate', ...late, taskToken: `late ${location}` }, 2_000);
      process.send({ kind: 'remove-networks', round: 'network', ...late, taskToken: `late net ${location}` });
    }
    const queues = { store, queueUrls: { sim: 'http://queue.invalid/sim' } };
    const stale = { fleetId, execution: 2, scope: 'failed' as const };
    expect((await beginTermination(queues, stale)).clouds).toEqual([]);
    expect(await launchingOf(fleetId)).toEqual(['on', 'on']);
    expect(outcomes(await answersOf(process, tokens))).toEqual({ Running: 8 });
    expect(await settleFleet(store, { fleetId, execution: 3 })).toEqual({ status: 'Running' });
    expect(booksOf(fleetId)).toMatchObject({ alive: 8, ever: 8 });
    expect(await view(fleetId)).toMatchObject({ shortfall: 0, failures: [], allowedActions: [] });
    await remove(process, fleetId);
    expect(booksOf(fleetId).alive).toBe(0);
    expect(await readNetworks(store, { fleetId })).toEqual([]);
  }, 120_000);
});

const workflows = (started: ExecutionRef[]) => ({
  start: async (execution: ExecutionRef) => void started.push(execution),
  state: async () => 'running' as const,
});

describe('action hold', () => {
  it('a held fleet keeps its running instances and launches none, and a release launches the rest', async () => {
    const process = slowProcess(4);
    const fleet = await begin(process, 'held', 16, ['ca-central-1', 'eu-central-1']);
    const { fleetId, placements } = fleet;
    await prepare(process, fleetId, placements);
    const tokens = sendLaunches(process, fleet);
    await process.runUntil(() => tokens.some((token) => process.answers.has(token)), 30_000);
    const started: ExecutionRef[] = [];
    const deps = { store, workflows: workflows(started) };
    const hold = { action: 'hold' } as const;
    expect(await actOnFleet(deps, 'default', fleetId, hold)).toEqual({ outcome: 'accepted' });
    expect(await actOnFleet(deps, 'default', fleetId, hold)).toEqual({ outcome: 'accepted' });
    expect(await launchingOf(fleetId)).toEqual(['paused', 'paused']);
    const counts = outcomes(await answersOf(process, tokens));
    const { ever, alive } = booksOf(fleetId);
    expect([counts['Running'], alive]).toEqual([ever, ever]);
    expect(counts['Cancelled']).toBe(16 - ever);
    expect(await view(fleetId)).toMatchObject({
      status: 'Held',
      counts: { requested: 16, Running: ever, Planned: 16 - ever },
      failures: [],
      allowedActions: ['release', 'withdraw'],
    });
    await expectNoSlots(placements);
    // The execution that was running does not change the status of a held fleet.
    expect(await settleFleet(store, { fleetId, execution: 1 })).toEqual({ status: 'Held' });

    expect(await actOnFleet(deps, 'default', fleetId, { action: 'release' })).toEqual({
      outcome: 'accepted',
    });
    expect(await actOnFleet(deps, 'default', fleetId, { action: 'release' })).toEqual({
      outcome: 'accepted',
    });
    expect(new Set(started.map(({ execution }) => execution))).toEqual(new Set([2]));
    await assignment(fleetId, 2);
    await prepare(process, fleetId, placements);
    const again = await answersOf(process, sendLaunches(process, fleet, 2));
    expect(outcomes(again)).toEqual({ Running: 16 });
    expect(booksOf(fleetId)).toMatchObject({ alive: 16, ever: 16 });
    expect(await settleFleet(store, { fleetId, execution: 1 })).toEqual({ status: 'Creating' });
    expect(await settleFleet(store, { fleetId, execution: 2 })).toEqual({ status: 'Running' });
    await expectNoSlots(placements);
    await remove(process, fleetId);
    expect(booksOf(fleetId).alive).toBe(0);
  }, 120_000);

  it('a hold cancels launches that are delivered later, and the held fleet can be withdrawn', async () => {
    const process = new OneProcess(store, sim.url, TIME_SCALE);
    const fleet = await begin(process, 'held-late', 3, ['ap-south-1']);
    const { fleetId, placements } = fleet;
    await prepare(process, fleetId, placements);
    const deps = { store, workflows: workflows([]) };
    await actOnFleet(deps, 'default', fleetId, { action: 'hold' });
    // The Assign step of the first execution runs after the hold, and its launches are delivered after the
    // hold.
    expect((await assignment(fleetId, 1)).clouds).toEqual([]);
    const answers = await answersOf(process, sendLaunches(process, fleet));
    expect(outcomes(answers)).toEqual({ Cancelled: 3 });
    expect(booksOf(fleetId).ever).toBe(0);
    expect(await actOnFleet(deps, 'default', fleetId, { action: 'withdraw' })).toEqual({
      outcome: 'accepted',
    });
    await remove(process, fleetId);
    expect((await view(fleetId))?.status).toBe('Terminated');
  }, 90_000);
});

it('an abort cancels queued launches, and a fleet with policy `continue` settles as PartiallyRunning', async () => {
  const process = slowProcess(2);
  const fleet = await begin(process, 'aborted', 12, ['ap-southeast-1']);
  const { fleetId, placements } = fleet;
  await prepare(process, fleetId, placements);
  const tokens = sendLaunches(process, fleet);
  await process.runUntil(() => tokens.some((token) => process.answers.has(token)), 30_000);
  const deps = { store, workflows: workflows([]) };
  for (let time = 0; time < 2; time += 1) {
    expect(await actOnFleet(deps, 'default', fleetId, { action: 'abort' })).toEqual({ outcome: 'accepted' });
  }
  const counts = outcomes(await answersOf(process, tokens));
  expect(counts['Cancelled']).toBeGreaterThan(5);
  expect(await settleFleet(store, { fleetId, execution: 1 })).toEqual({ status: 'PartiallyRunning' });
  expect(await view(fleetId)).toMatchObject({
    counts: { Running: counts['Running'], Failed: counts['Cancelled'] },
    failures: [{ code: 'NotLaunched', count: counts['Cancelled'] }],
    allowedActions: ['retry', 'refine'],
  });
  await remove(process, fleetId);
  expect(booksOf(fleetId).alive).toBe(0);
}, 90_000);
