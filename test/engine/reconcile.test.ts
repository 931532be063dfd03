import { beforeEach, describe, expect, it } from 'vitest';
import { actOnFleet } from '../../functions/features/fleets/actions.ts';
import { assignWork } from '../../functions/features/fleets/begin-work.ts';
import { reconcileFleets } from '../../functions/features/fleets/reconcile.ts';
import {
  type ExecutionRef,
  type ExecutionState,
  executionName,
  type Workflows,
} from '../../functions/features/fleets/workflows.ts';
import { systemClock } from '../../functions/platform/runtime/clock.ts';
import { type FleetItem, readFleetItem, updateFleet } from '../../functions/platform/store/fleets.ts';
import { createFleet } from '../../functions/platform/store/new-fleet.ts';
import { readFleetPartition } from '../../functions/platform/store/placements.ts';
import { transition } from '../../functions/platform/store/transition.ts';
import { claimOf, openedFleet, request, spec } from './placed-fleet.ts';
import { useTables } from './tables.ts';

let aheadMs = 0;
const store = useTables({ ...systemClock, now: () => Date.now() + aheadMs });
const states = new Map<string, ExecutionState>();
let started: string[] = [];
const workflows: Workflows = {
  async start(ref: ExecutionRef) {
    started.push(`${ref.work} ${executionName(ref)}`);
    if (!states.has(executionName(ref))) states.set(executionName(ref), 'running');
  },
  state: async (ref) => states.get(executionName(ref)) ?? 'absent',
};
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const deps = { store, workflows, log: silent };
const reconcile = () => reconcileFleets(deps);

beforeEach(() => {
  started = [];
});

async function read(fleetId: string): Promise<FleetItem> {
  const fleet = await readFleetItem(store, fleetId);
  if (!fleet) throw new Error('the fleet has no record');
  return fleet;
}

/** Creates a fleet whose first execution the API did not start. */
async function accepted(name: string, hold?: { expiresInSeconds?: number }): Promise<string> {
  const asked = spec(name);
  await createFleet(store, {
    connections: [],
    spec: asked,
    request: { ...request, ...(hold ? { hold } : {}) },
  });
  return asked.fleetId;
}

/** Ends the work of a fleet, so that other tests do not reconcile it. */
async function finish(fleetId: string): Promise<void> {
  await updateFleet(store, await read(fleetId), { status: 'Running', work: null, heldUntilMs: null });
}

describe('executions', () => {
  it('the reconciler starts an execution that does not exist 30 seconds after its planned start', async () => {
    const fleetId = await accepted('forgotten');
    expect(await reconcile()).toMatchObject({ started: 0 });
    aheadMs += 31_000;
    expect(await reconcile()).toMatchObject({ started: 1 });
    expect(started).toEqual([`provision ${fleetId}-1`]);
    expect(await reconcile()).toMatchObject({ started: 0 });
    expect(await read(fleetId)).toMatchObject({ execution: 1, interruptions: 0 });
    await finish(fleetId);
  });

  it('the reconciler leaves a running execution alone after five days', async () => {
    const fleetId = await accepted('busy');
    states.set(`${fleetId}-1`, 'running');
    aheadMs += 5 * 86_400_000;
    expect(await reconcile()).toMatchObject({ started: 0, withdrawn: 0 });
    expect(await read(fleetId)).toMatchObject({ execution: 1, work: 'provision' });
    await finish(fleetId);
  });

  it('the reconciler replaces an execution that ended early, after a wait that doubles up to 30 minutes', async () => {
    const fleetId = await accepted('interrupted');
    for (const [execution, waitMs] of [
      [1, 60_000],
      [2, 120_000],
      [3, 240_000],
    ] as const) {
      states.set(`${fleetId}-${execution}`, 'ended');
      aheadMs += waitMs - 5_000;
      expect(await reconcile(), `${execution}`).toMatchObject({ started: 0 });
      aheadMs += 6_000;
      expect(await reconcile(), `${execution}`).toMatchObject({ started: 1 });
      expect(started.at(-1)).toBe(`provision ${fleetId}-${execution + 1}`);
      expect(await read(fleetId)).toMatchObject({
        execution: execution + 1,
        interruptions: execution,
        round: 1,
      });
    }
    states.set(`${fleetId}-4`, 'ended');
    for (let interruption = 4; interruption < 12; interruption += 1) {
      aheadMs += 30 * 60_000 + 1_000;
      expect(await reconcile()).toMatchObject({ started: 1 });
      states.set(`${fleetId}-${interruption + 1}`, 'ended');
    }
    await finish(fleetId);
  });

  it('the reconciler starts executions for work of the kinds `refine` and `remove`, and none for a fleet without work', async () => {
    const refined = await accepted('to-refine');
    await assignWork(store, await read(refined), 'refine', { status: 'PartiallyRunning' });
    const removed = await accepted('to-remove');
    await assignWork(store, await read(removed), 'remove', { status: 'RollingBack' });
    const done = await accepted('all-done');
    await updateFleet(store, await read(done), { status: 'Running', work: null });
    aheadMs += 31_000;
    expect(await reconcile()).toMatchObject({ active: 2, started: 2 });
    expect(started.toSorted()).toEqual([`refine ${refined}-2`, `remove ${removed}-2`]);
    for (const fleetId of [refined, removed]) await finish(fleetId);
  });

  it("the reconciler starts the execution of one fleet even if the start of another fleet's execution failed", async () => {
    const ids = [await accepted('sick'), await accepted('well')];
    aheadMs += 31_000;
    const failing: Workflows = {
      ...workflows,
      start: async (ref) => {
        if (ref.fleetId === ids[0]) throw new Error('refused');
        await workflows.start(ref);
      },
    };
    expect(await reconcileFleets({ ...deps, workflows: failing })).toMatchObject({ active: 2, started: 1 });
    expect(started).toEqual([`provision ${ids[1]}-1`]);
    for (const fleetId of ids) await finish(fleetId);
  });
});

describe('holds', () => {
  it('the reconciler withdraws a fleet only once when its hold expires', async () => {
    const fleetId = await accepted('expiring', { expiresInSeconds: 3_600 });
    expect(await reconcile()).toMatchObject({ active: 1, withdrawn: 0 });
    aheadMs += 3_601_000;
    expect(await reconcile()).toMatchObject({ withdrawn: 1 });
    expect(await read(fleetId)).toMatchObject({ status: 'Terminating', work: 'remove', execution: 1 });
    expect(await reconcile()).toMatchObject({ withdrawn: 0 });
    expect(started).toEqual([`remove ${fleetId}-1`]);
    await finish(fleetId);
  });

  it('a fleet held without an expiry stays Held and is not in the index that the reconciler reads', async () => {
    const fleetId = await accepted('patient', {});
    aheadMs += 40 * 86_400_000;
    expect(await reconcile()).toEqual({ active: 0, started: 0, withdrawn: 0 });
    expect((await read(fleetId)).status).toBe('Held');
  });

  it('the reconciler does not withdraw a fleet that was released before its hold expired', async () => {
    const fleetId = await accepted('released', { expiresInSeconds: 60 });
    await actOnFleet(deps, 'default', fleetId, { action: 'release' });
    aheadMs += 61_000;
    expect(await reconcile()).toMatchObject({ withdrawn: 0 });
    expect((await read(fleetId)).status).toBe('Preparing');
    await finish(fleetId);
  });
});

describe('launch gates', () => {
  const launchingOf = async (fleetId: string) =>
    (await readFleetPartition(store, fleetId)).placements.map(({ launching }) => launching);

  it('the reconciler pauses the placements of a held fleet if the process of the hold died before it paused them', async () => {
    const { fleetId } = await openedFleet(store, 'half-held');
    const fleet = await read(fleetId);
    await updateFleet(store, fleet, { status: 'Held', work: null, pausePending: true });
    expect(await launchingOf(fleetId)).toEqual(['on', 'on']);
    expect(await reconcile()).toMatchObject({ active: 1, started: 0 });
    expect(await launchingOf(fleetId)).toEqual(['paused', 'paused']);
    expect(await reconcile()).toMatchObject({ active: 0 });
  });

  it.each([
    ['rollback', 'paused'],
    ['continue', 'on'],
  ] as const)(
    'the reconciler evaluates a failure of a fleet with policy `%s`, and launching is %s afterwards',
    async (policy, launching) => {
      const { fleetId, ref } = await openedFleet(store, `half-${policy}`, 4, policy);
      await updateFleet(store, await read(fleetId), { status: 'Creating' });
      states.set(`${fleetId}-1`, 'running');
      const record = claimOf(fleetId, 0);
      await transition(store, ref, [{ kind: 'claim', record }], 0);
      const failure = { code: 'InsufficientCapacity', message: 'none left' };
      // The worker that wrote this failure died before it checked whether the failure decides the fleet's
      // end.
      await transition(store, ref, [{ kind: 'change', record, to: 'Failed', fields: { failure } }], 0);
      await reconcile();
      expect(await launchingOf(fleetId)).toEqual([launching, launching]);
      await finish(fleetId);
    },
  );
});
