import { afterEach, describe, expect, it } from 'vitest';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { launchInstances } from '../../../../functions/features/instances/launch-instances.ts';
import { recordFeedback } from '../../../../functions/platform/governor/create-feedback.ts';
import { readSiteState } from '../../../../functions/platform/governor/hold-location.ts';
import { readQueue } from '../../../../functions/platform/store/launch-queue.ts';
import { moveInstance } from '../../../../functions/platform/store/move.ts';
import { blockPlacement } from '../../../../functions/platform/store/placements.ts';
import { ACK, governed, requeueAfter } from '../../../../functions/platform/worker/context.ts';
import type { LaunchMessage } from '../../../../functions/platform/workflow/messages.ts';
import { want } from '../../platform/governor/wanted.ts';
import { EAST, FLEET, idOf, launchOf, OneFleet, type OneFleetOptions, WEST } from '../one-fleet/one-fleet.ts';

const CLAIM = /TransactWriteCommand.*INST#/;
/** Step numbers of a launch of one instance. A step is a call to a table, the cloud, the queue or the workflow. */
const STEPS = Array.from({ length: 17 }, (_, at) => at + 1);

let fleet: OneFleet;
afterEach(() => fleet.end());

async function open(options: OneFleetOptions = {}): Promise<void> {
  fleet?.end();
  fleet = await OneFleet.open(options);
}
const creates = () => fleet.history.filter((one) => one.startsWith('create'));
const hasOutcome = () => fleet.outcomes.has('await');

/** Asserts that the fleet has one running machine, one outcome, and a record and counters that agree. */
async function expectOneRunning(): Promise<void> {
  expect(fleet.cloud.standing).toHaveLength(1);
  expect([...fleet.outcomes]).toEqual([['await', 'Settled']]);
  expect(await fleet.record()).toMatchObject({
    status: 'Running',
    backendId: fleet.cloud.standing[0]?.backendId,
  });
  expect(await fleet.counts()).toEqual({ Running: 1 });
}

describe('launchInstances', () => {
  it('a worker takes a slot, writes the record, makes the create call, and writes the answer into the record', async () => {
    await open();
    expect(await fleet.handle(launchOf(0))).toEqual(ACK);
    expect(fleet.worker.steps).toBe(STEPS.length);
    expect(fleet.history).toEqual([
      'slot 0 taken',
      'record 0 Creating claimed',
      'send poll',
      `create ${idOf(0)}.1`,
      'record 0 Creating accepted',
    ]);
    expect(await fleet.record()).toMatchObject({ attempt: 1, backendId: 'm1' });
    expect(await fleet.counts()).toEqual({ Creating: 1 });
  });

  it('if the worker dies at any step of a launch, later deliveries lead to one running machine and a free slot', async () => {
    for (const at of STEPS) {
      await open();
      fleet.cloud.bootMs = 500;
      fleet.send(launchOf(0), 0);
      await fleet.deliverNext(fleet.makeWorker({ at, does: 'die' }));
      await fleet.until(hasOutcome);
      await fleet.until(async () => (await fleet.holders()).length === 0);
      await expectOneRunning();
      expect(fleet.cloud.made).toHaveLength(1);
    }
  });

  it('if another worker handles a copy of the launch message at any step of the launch, only one machine is made', async () => {
    for (const at of STEPS) {
      await open();
      const worker = fleet.makeWorker({ at, does: () => fleet.handle(launchOf(0), fleet.makeWorker()) });
      await fleet.handle(launchOf(0), worker);
      expect(fleet.cloud.made).toHaveLength(1);
      expect(await fleet.counts()).toEqual({ Creating: 1 });
      expect(await fleet.holders()).toEqual([0]);
    }
  });

  it('a copy of a launch message is requeued if another worker claims the instance first', async () => {
    await open();
    const worker = fleet.makeWorker({ at: CLAIM, does: () => fleet.handle(launchOf(0)) });
    expect(await fleet.handle(launchOf(0), worker)).toEqual(requeueAfter(1_000));
    expect(creates()).toHaveLength(1);
  });

  it('a worker looks up the machine of a create call without an answer, and binds the machine to its record', async () => {
    await open();
    fleet.cloud.reply = (call) => {
      if (!call.startsWith('create')) return;
      fleet.cloud.reply = () => {};
      throw new DriverError('OutcomeUnknown', 'no answer');
    };
    // Lists leave the machine out, so that no poll binds the machine before the look-up.
    fleet.cloud.hidden.add('m1');
    fleet.send(launchOf(0), 0);
    await fleet.deliverNext();
    expect(await fleet.record()).toMatchObject({ launchState: 'unknown' });
    await fleet.until(async () => (await fleet.record())?.launchState === 'accepted');
    expect(await fleet.record()).toMatchObject({ backendId: 'm1', attempt: 1 });
    expect(creates()).toHaveLength(1);
  });

  it('a call with an unknown outcome is repeated only after the consistency window and a look-up', async () => {
    await open();
    fleet.cloud.meet = (call) => {
      if (!call.startsWith('create')) return;
      fleet.cloud.meet = () => {};
      throw new DriverError('OutcomeUnknown', 'no answer');
    };
    fleet.send(launchOf(0), 0);
    await fleet.deliverNext();
    const sinceMs = fleet.nowMs;
    await fleet.until(() => creates().length === 2);
    expect(fleet.nowMs).toBeGreaterThanOrEqual(sinceMs + fleet.worker.context.driver.consistencyWindowMs);
    const calls = fleet.history.filter((one) => /^(create|find)/.test(one));
    expect(calls).toEqual([`create ${idOf(0)}.1`, `find ${idOf(0)}.1`, `create ${idOf(0)}.1`]);
  });

  it('a launch that gets no slot is enqueued and acknowledged, and the worker starts a poll', async () => {
    await open({ size: 2, limits: { concurrentInstancesPerLocation: 1 } });
    await fleet.handle(launchOf(0));
    fleet.queue = [];
    fleet.worker.context.loopsSeen.clear();
    fleet.nowMs += 60_000;
    expect(await fleet.handle(launchOf(1))).toEqual(ACK);
    const entries = await readQueue(fleet.store, EAST);
    expect(entries.map(({ message }) => message)).toEqual([{ ...launchOf(1), waitsSinceMs: fleet.nowMs }]);
    expect(await fleet.record(1)).toBeUndefined();
    expect(fleet.outcomes.size).toBe(0);
    expect(fleet.sent('poll')).toHaveLength(1);
  });

  it('a launch is sent again with the start time of its permit as the delay', async () => {
    await open({ size: 2, limits: { calls: { create: { perSecond: 0.5, burst: 1 } } } });
    await fleet.handle(launchOf(0));
    expect(await fleet.handle(launchOf(1))).toEqual(ACK);
    const [sent, ...others] = fleet.queue.filter(({ message }) => message.kind === 'launch');
    expect(sent?.message).toEqual(launchOf(1));
    expect(sent?.delayMs).toBeGreaterThan(1_000);
    expect(others).toEqual([]);
    expect(await fleet.holders()).toEqual([0, 1]);
    expect(creates()).toHaveLength(1);
  });

  it('a launch that starts in less than a second waits in the worker that has it, and no message is sent', async () => {
    await open({ size: 2, limits: { calls: { create: { perSecond: 2, burst: 1 } } } });
    await fleet.handle(launchOf(0));
    const sinceMs = fleet.nowMs;
    expect(await fleet.handle(launchOf(1))).toEqual(ACK);
    expect(creates()).toHaveLength(2);
    expect(fleet.nowMs - sinceMs).toBeGreaterThan(500);
    expect(fleet.nowMs - sinceMs).toBeLessThan(1_000);
    expect(fleet.sent('launch')).toEqual([]);
  });

  it('a launch that starts soon is sent as a message if the worker has little time left', async () => {
    await open({ size: 2, limits: { calls: { create: { perSecond: 2, burst: 1 } } } });
    await fleet.handle(launchOf(0));
    const { context } = fleet.worker;
    context.invocation.endsAtMs = fleet.nowMs + context.timeLimitMs / 2;
    expect(await launchInstances(context, EAST, [{ message: launchOf(1) }])).toEqual([ACK]);
    expect(creates()).toHaveLength(1);
    expect(fleet.sent('launch')).toEqual([launchOf(1)]);
  });

  it('launches with a later start time are sent while the create calls of others have no answer yet', async () => {
    await open({ size: 3, limits: { calls: { create: { perSecond: 0.5, burst: 1 } } } });
    let sentBefore: readonly LaunchMessage[] = [];
    fleet.cloud.meet = (call) => {
      if (call.startsWith('create')) sentBefore = fleet.sent('launch');
    };
    expect(await fleet.handle(launchOf(0, { last: 2 }))).toEqual(ACK);
    expect(creates()).toHaveLength(1);
    expect(sentBefore.map(({ index }) => index).toSorted()).toEqual([1, 2]);
  });

  it.each(['paused', 'ended'] as const)(
    'if launching is %s after the permit and before the claim, a launch creates nothing and gives its slot back',
    async (how) => {
      await open();
      const worker = fleet.makeWorker({ at: CLAIM, does: () => fleet.stopLaunching(how) });
      expect(await fleet.handle(launchOf(0), worker)).toEqual(ACK);
      expect(fleet.history).toEqual(['slot 0 taken', 'task await Settled', 'slot 0 returned']);
      expect(await fleet.record()).toBeUndefined();
      expect(await fleet.counts()).toEqual({});
    },
  );

  it('a refused call is not repeated after launching is paused, and the instance becomes Planned', async () => {
    await open();
    fleet.cloud.meet = () => {
      throw new DriverError('Throttled', 'slow down');
    };
    await fleet.handle(launchOf(0));
    fleet.nowMs += 5_000;
    await fleet.stopLaunching('paused');
    expect(await fleet.handle(launchOf(0))).toEqual(ACK);
    expect(creates()).toHaveLength(1);
    expect(fleet.outcomes.get('await')).toBe('Settled');
    expect(await fleet.record()).toMatchObject({ status: 'Planned', launchState: 'refused' });
    expect(await fleet.counts()).toEqual({ Planned: 1 });
    expect(await fleet.holders()).toEqual([]);
  });

  it('a throttled create call is repeated with its launch token and slot, but not before `retryAfterMs` has passed', async () => {
    await open();
    fleet.cloud.meet = (call) => {
      if (!call.startsWith('create')) return;
      fleet.cloud.meet = () => {};
      throw new DriverError('Throttled', 'slow down', { retryAfterMs: 7_000 });
    };
    const result = await fleet.handle(launchOf(0));
    expect(result !== 'died' && !result.done && result.waitMs).toBeGreaterThanOrEqual(7_000);
    expect(await fleet.record()).toMatchObject({ launchState: 'refused', attempt: 1 });
    expect(await fleet.holders()).toEqual([0]);
    const governor = await readSiteState(fleet.store, EAST);
    expect(governor?.blockedUntilMs).toBe(fleet.nowMs + 7_000);
    fleet.nowMs += 10_000;
    await fleet.handle(launchOf(0));
    expect(creates()).toEqual([`create ${idOf(0)}.1`, `create ${idOf(0)}.1`]);
    expect(fleet.history).not.toContain('slot 0 returned');
  });

  it('a launch fails without a create call if the governor knows of a used-up quota', async () => {
    await open();
    const site = governed(EAST, await fleet.opened());
    const wanted = want(idOf(0), { fleetId: FLEET });
    await recordFeedback(fleet.store, site, [{ kind: 'no-quota', wanted, message: 'no vCPUs left' }], []);
    expect(await fleet.handle(launchOf(0))).toEqual(ACK);
    expect(creates()).toEqual([]);
    expect(fleet.outcomes.get('await')).toBe('Settled');
    expect(await fleet.record()).toMatchObject({ status: 'Failed', failure: { code: 'QuotaExceeded' } });
    expect(await fleet.counts()).toEqual({ Failed: 1 });
  });

  it('a launch fails without a permit if the network resources of its fleet could not be made', async () => {
    await open();
    const blocked = { code: 'QuotaExceeded', message: 'no networks left' };
    fleet.removeNetworks('east');
    await blockPlacement(fleet.store, { fleetId: FLEET, ...EAST }, blocked);
    expect(await fleet.handle(launchOf(0))).toEqual(ACK);
    expect(await fleet.record()).toMatchObject({ status: 'Failed', failure: blocked });
    expect(fleet.history).not.toContain('slot 0 taken');
  });

  it('a launch message that is delivered again after the cloud accepted the create call causes no second create call', async () => {
    await open();
    await fleet.handle(launchOf(0));
    expect(await fleet.handle(launchOf(0), fleet.makeWorker())).toEqual(ACK);
    expect(creates()).toHaveLength(1);
  });

  it('a launch message for a running instance frees no slot of another instance', async () => {
    await open({ size: 2 });
    fleet.send(launchOf(0), 0);
    await fleet.until(async () => (await fleet.record())?.status === 'Running');
    await fleet.handle(launchOf(1));
    expect(await fleet.handle(launchOf(0))).toEqual(ACK);
    expect(await fleet.holders()).toEqual([1]);
  });

  it('a launch of a later round takes an open attempt into that round', async () => {
    await open();
    await fleet.handle(launchOf(0));
    await fleet.stopLaunching('paused');
    await fleet.startRound(2);
    expect(await fleet.handle(launchOf(0, { round: 2 }))).toEqual(ACK);
    expect(await fleet.record()).toMatchObject({ status: 'Creating', round: 2, attempt: 1 });
    expect(creates()).toHaveLength(1);
  });

  it('the launch of a moved instance is sent to the new location, and then the slot at the old location is given back', async () => {
    await open({ locations: ['east', 'west'] });
    await fleet.handle(launchOf(0));
    await moveInstance(fleet.store, await fleet.claimed(), 'west', []);
    fleet.history.length = 0;
    expect(await fleet.handle(launchOf(0))).toEqual(ACK);
    expect(fleet.history).toEqual(['send launch 0', 'slot 0 returned']);
    expect(fleet.sent('launch')).toEqual([launchOf(0, WEST)]);
  });

  it('if two messages of a batch launch one instance, it is launched once for the later round, and one message is acknowledged', async () => {
    await open();
    await fleet.stopLaunching('paused');
    await fleet.startRound(2);
    const both = [{ message: launchOf(0, { round: 2 }) }, { message: launchOf(0) }];
    const results = await fleet.run(fleet.worker, () => launchInstances(fleet.worker.context, EAST, both));
    expect(results).toEqual([ACK, ACK]);
    expect(creates()).toHaveLength(1);
    expect(await fleet.record()).toMatchObject({ round: 2 });
  });

  it('the task of a message for a range of positions is completed when each has a record, is queued or has a message', async () => {
    const limits = { concurrentInstancesPerLocation: 3, calls: { create: { perSecond: 0.5, burst: 1 } } };
    await open({ size: 5, limits });
    const message = launchOf(0, { last: 4, taskToken: 'chunk' });
    expect(await fleet.handle(message)).toEqual(ACK);
    expect([...fleet.outcomes]).toEqual([['chunk', undefined]]);
    expect(creates()).toHaveLength(1);
    const queued = await readQueue(fleet.store, EAST);
    expect(queued.map(({ message: { index } }) => index)).toEqual([3, 4]);
    expect(fleet.sent('launch').map(({ index }) => index)).toEqual([1, 2]);
    expect(fleet.history.indexOf('task chunk undefined')).toBeGreaterThan(
      fleet.history.indexOf('send launch 2'),
    );
  });

  it('if the worker dies at any step of a message for a range, each position gets one machine', async () => {
    for (let at = 1; at <= 24; at += 1) {
      await open({ size: 3 });
      fleet.cloud.bootMs = 500;
      fleet.send(launchOf(0, { last: 2, taskToken: 'chunk' }), 0);
      await fleet.deliverNext(fleet.makeWorker({ at, does: 'die' }));
      await fleet.until(() => fleet.outcomes.has('chunk'));
      await fleet.until(async () => (await fleet.counts())['Running'] === 3);
      expect(fleet.cloud.made).toHaveLength(3);
      await fleet.until(async () => (await fleet.holders()).length === 0);
    }
  });

  it('a worker takes on forty launches of a cloud that creates one machine in a call, and sends the others on', async () => {
    const create = { perSecond: 200, burst: 200 };
    await open({ size: 100, limits: { concurrentInstancesPerLocation: 200, calls: { create } } });
    await fleet.handle(launchOf(0, { last: 99, taskToken: 'chunk' }));
    expect(creates()).toHaveLength(40);
    expect(fleet.sent('launch').map(({ index, others = [] }) => [index, others.length])).toEqual([
      [40, 39],
      [80, 19],
    ]);
    await fleet.until(() => creates().length === 100);
    expect(fleet.cloud.made).toHaveLength(100);
  });

  it('a message that also waits for the launches is answered when they have an outcome, and not before', async () => {
    await open();
    const message = launchOf(0, { last: 0, taskToken: 'alone', awaits: 1 });
    fleet.send(message, 0);
    await fleet.deliverNext();
    expect(fleet.outcomes.has('alone')).toBe(false);
    await fleet.until(() => fleet.outcomes.has('alone'));
    expect(await fleet.record()).toMatchObject({ status: 'Running' });
  });

  it('if one create call throws an unknown error, the batch fails after the worker recorded the other outcomes', async () => {
    await open({ size: 2 });
    fleet.cloud.meet = (call) => {
      if (call === `create ${idOf(0)}.1`) throw new DriverError('InvalidRequest', 'no such image');
      if (call === `create ${idOf(1)}.1`) throw new Error('the driver broke');
    };
    const both = [0, 1].map((index) => ({ message: launchOf(index) }));
    await expect(
      fleet.run(fleet.worker, () => launchInstances(fleet.worker.context, EAST, both)),
    ).rejects.toThrow('the driver broke');
    expect(await fleet.record(0)).toMatchObject({ status: 'Failed', failure: { code: 'InvalidRequest' } });
    expect(await fleet.record(1)).toMatchObject({ launchState: 'claimed' });
  });
});
