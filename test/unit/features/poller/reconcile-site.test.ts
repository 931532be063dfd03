import { afterEach, describe, expect, it } from 'vitest';
import { reconcileSite } from '../../../../functions/features/poller/reconcile-site.ts';
import { type Snapshot, takeSnapshot } from '../../../../functions/features/poller/snapshot.ts';
import { moveInstance } from '../../../../functions/platform/store/move.ts';
import {
  AWAIT,
  idOf,
  launchOf,
  OneFleet,
  type OneFleetOptions,
  type Worker,
} from '../one-fleet/one-fleet.ts';

const MINUTE_MS = 60_000;
/** Numbers of all steps of `reconcileSite` for one instance. A test interrupts a worker at each of these steps. */
const STEPS = Array.from({ length: 16 }, (_, at) => at + 1);

let fleet: OneFleet;
afterEach(() => fleet.end());

/** Opens a fleet and handles its launches. Launches that get no slot are queued. */
async function open(options: OneFleetOptions = {}): Promise<void> {
  fleet?.end();
  fleet = await OneFleet.open(options);
  for (let index = 0; index < (options.size ?? 1); index += 1) await fleet.handle(launchOf(index));
  fleet.history.length = 0;
}

async function reconcile(worker: Worker = fleet.worker, changes: Partial<Snapshot> = {}, fullAtMs = 0) {
  const poll = await fleet.takePoll(fleet.worker);
  poll.loop.fullAtMs = fullAtMs;
  const snapshot = await fleet.run(fleet.worker, () =>
    takeSnapshot(poll.context, poll.site, poll.opened, poll.loop),
  );
  if (snapshot === 'died') throw new Error('the worker died while it took the snapshot');
  return await fleet.run(worker, async () => {
    const { context } = worker;
    const own = { ...poll, context, opened: await context.open(poll.loop.connectionKey) };
    return await reconcileSite(own, { ...snapshot, ...changes });
  });
}

describe('reconcileSite', () => {
  it('a poll writes the record, gives the slot back, and grants the slot to the next launch', async () => {
    await open({ size: 2, limits: { concurrentInstancesPerLocation: 1 } });
    fleet.nowMs += 20_000;
    await reconcile();
    expect(fleet.history.filter((one) => !one.startsWith('list'))).toEqual([
      'record 0 Running accepted',
      'slot 0 returned',
      'slot 1 taken',
      'send launch 1',
    ]);
    expect(await fleet.counts()).toEqual({ Running: 1 });
  });

  it('if a worker dies before it answers the waiting step, the next poll answers it and gives the slot back', async () => {
    await open();
    fleet.nowMs += 20_000;
    await reconcile(fleet.makeWorker({ at: /^succeed/, does: 'die' }));
    expect(await fleet.record()).toMatchObject({ status: 'Running' });
    expect(fleet.outcomes.size).toBe(0);
    expect(await fleet.holders()).toEqual([0]);
    await reconcile();
    expect([...fleet.outcomes]).toEqual([['await', 'Settled']]);
    expect(await fleet.holders()).toEqual([]);
  });

  it('if a worker dies at any step of reconcileSite, the waiting step has one answer and the slot is free after the next poll', async () => {
    for (const at of STEPS) {
      await open();
      fleet.nowMs += 20_000;
      await reconcile(fleet.makeWorker({ at, does: 'die' }));
      const had = await fleet.holders();
      if (had.length === 0) expect(fleet.outcomes.size).toBe(1);
      await reconcile();
      expect(await fleet.record()).toMatchObject({ status: 'Running' });
      expect([...fleet.outcomes]).toEqual([['await', 'Settled']]);
      expect(await fleet.holders()).toEqual([]);
      expect(await fleet.counts()).toEqual({ Running: 1 });
    }
  });

  it('if another poll runs at any step of a poll, the waiting step is answered once and the instance is counted once', async () => {
    for (const at of STEPS) {
      await open();
      fleet.nowMs += 20_000;
      const second = fleet.makeWorker();
      await reconcile(fleet.makeWorker({ at, does: () => reconcile(second) }));
      expect(await fleet.record()).toMatchObject({ status: 'Running' });
      expect(fleet.history.filter((one) => one.startsWith('task'))).toEqual(['task await Settled']);
      expect(await fleet.holders()).toEqual([]);
      expect(await fleet.counts()).toEqual({ Running: 1 });
    }
  });

  it('a poll with a partial snapshot closes no record that the snapshot leaves out', async () => {
    await open({ size: 2 });
    await fleet.until(() => fleet.outcomes.has(AWAIT));
    fleet.nowMs += MINUTE_MS;
    for (const machine of fleet.cloud.made) fleet.cloud.vanish(machine);
    await reconcile(fleet.worker, { isFull: false, seen: [], asked: new Set([idOf(1)]) });
    expect(await fleet.record(0)).toMatchObject({ status: 'Running' });
    expect(await fleet.record(1)).toMatchObject({ status: 'Terminated' });
  });

  it('a record in Terminating is closed only after the poll has removed the machine and the cloud no longer shows it', async () => {
    await open();
    const record = await fleet.claimed();
    fleet.putRecord({ ...record, status: 'Terminating', closeAs: 'Failed' });
    fleet.nowMs += MINUTE_MS;
    await reconcile();
    expect(fleet.history).toContain('terminate m1');
    expect(await fleet.record()).toMatchObject({ status: 'Terminating' });
    await reconcile();
    expect(await fleet.record()).toMatchObject({ status: 'Terminating' });
    fleet.nowMs += 10_000;
    await reconcile();
    expect(await fleet.record()).toMatchObject({ status: 'Failed' });
  });

  it('each poll repeats a removal until the cloud shows the machine as Terminating', async () => {
    await open();
    fleet.putRecord({ ...(await fleet.claimed()), status: 'Terminating', closeAs: 'Failed' });
    fleet.nowMs += MINUTE_MS;
    await reconcile();
    const [machine] = fleet.cloud.made;
    // The cloud loses the removal request.
    delete machine?.endedAtMs;
    await reconcile();
    await reconcile();
    expect(fleet.history.filter((one) => one === 'terminate m1')).toHaveLength(2);
  });

  it('if a machine fails before it runs, its instance becomes Planned at another location when the machine is gone', async () => {
    await open({ locations: ['east', 'west'] });
    fleet.cloud.break(fleet.cloud.made[0], 'no host');
    await reconcile();
    expect(await fleet.record()).toMatchObject({ status: 'Terminating', closeAs: 'Planned' });
    await reconcile();
    fleet.nowMs += 10_000;
    await reconcile();
    expect(await fleet.record()).toMatchObject({ status: 'Planned', location: 'west', tried: ['east'] });
    expect(fleet.sent('launch').map(({ location }) => location)).toEqual(['west']);
    expect(await fleet.holders()).toEqual([]);
    expect(fleet.outcomes.size).toBe(0);
  });

  it('a poll sends the launch of a moved instance if the worker that moved the instance did not send the launch', async () => {
    await open({ locations: ['east', 'west'] });
    await moveInstance(fleet.store, await fleet.claimed(), 'west', []);
    fleet.cloud.vanish(fleet.cloud.made[0]);
    await reconcile();
    expect(fleet.sent('launch').map(({ location }) => location)).toEqual(['west']);
    expect(await fleet.holders()).toEqual([]);
  });

  it('a poll fails an instance that does not run at its deadline, and does not give the instance’s slot back', async () => {
    await open();
    Object.assign(fleet.cloud.made[0] ?? {}, { stuckAt: 'Creating' });
    fleet.nowMs = (await fleet.claimed()).deadlineAtMs - 1;
    await reconcile();
    expect(await fleet.record()).toMatchObject({ status: 'Creating' });
    fleet.nowMs += 1;
    await reconcile();
    expect(await fleet.record()).toMatchObject({ status: 'Terminating', failure: { code: 'Timeout' } });
    expect([...fleet.outcomes]).toEqual([['await', 'Settled']]);
    expect(await fleet.holders()).toEqual([0]);
  });

  it('reconcileSite returns the number of instances in transition, whether launches wait, and when creates started', async () => {
    await open({ size: 3, limits: { concurrentInstancesPerLocation: 2 } });
    const startMs = fleet.nowMs;
    fleet.nowMs += 1_000;
    // The list agrees with both records and no deadline is checked, so the poll reads no record.
    expect(await reconcile(fleet.worker, {}, fleet.nowMs)).toMatchObject({
      inTransition: 2,
      isWaitedFor: true,
      isRemoving: false,
      isNaming: false,
      startsMs: [startMs, startMs],
    });
  });
});
