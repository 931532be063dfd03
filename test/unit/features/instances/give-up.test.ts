import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { attemptElsewhere } from '../../../../functions/features/instances/attempt-elsewhere.ts';
import { updateConnection } from '../../../../functions/platform/store/connections.ts';
import { updateInstance } from '../../../../functions/platform/store/transition.ts';
import { ACK, requeueAfter } from '../../../../functions/platform/worker/context.ts';
import { giveUpOf, launchOf, OneFleet } from '../one-fleet/one-fleet.ts';

const TOLD_FAILED = [['give-up-0', 'Failed']];

let fleet: OneFleet;
beforeEach(async () => {
  fleet = await OneFleet.open();
});
afterEach(() => fleet.end());

const creates = () => fleet.history.filter((one) => one.startsWith('create'));
const failCreates = (error: DriverError) => {
  fleet.cloud.reply = (call) => {
    if (call.startsWith('create')) throw error;
  };
};

describe('giveUp of a launch that no worker has claimed', () => {
  it('giving an unclaimed launch up writes a Failed record, which stops the launch when it comes late', async () => {
    expect(await fleet.handle(giveUpOf(0))).toEqual(ACK);
    expect(await fleet.record()).toMatchObject({ status: 'Failed', failure: { code: 'Timeout' } });
    expect([...fleet.told]).toEqual(TOLD_FAILED);
    expect(await fleet.counts()).toEqual({ Failed: 1 });
    expect(await fleet.handle(launchOf(0))).toEqual(ACK);
    expect(creates()).toEqual([]);
  });

  it('an unclaimed launch that the launch gate stops is cancelled, and a poll is started that takes its slot back', async () => {
    await fleet.stopLaunching('paused');
    expect(await fleet.handle(giveUpOf(0))).toEqual(ACK);
    expect([...fleet.told]).toEqual([['give-up-0', 'Cancelled']]);
    expect(await fleet.record()).toBeUndefined();
    expect(fleet.sent('poll')).toHaveLength(1);
  });

  it('a give-up message is requeued when a launch claims the position first', async () => {
    const worker = fleet.makeWorker({
      at: /TransactWriteCommand.*INST#/,
      does: () => fleet.handle(launchOf(0)),
    });
    expect(await fleet.handle(giveUpOf(0), worker)).toEqual(requeueAfter(1_000));
    expect(await fleet.record()).toMatchObject({ status: 'Creating', launchState: 'accepted' });
    expect(fleet.told.size).toBe(0);
  });

  it('an instance that failed unclaimed fails again when a later round does not claim it either', async () => {
    await fleet.handle(giveUpOf(0));
    await fleet.stopLaunching('paused');
    await fleet.startRound(2);
    expect(await fleet.handle(giveUpOf(0, { round: 2, taskToken: 'second' }))).toEqual(ACK);
    expect(await fleet.record()).toMatchObject({ status: 'Failed', round: 2 });
    expect(fleet.told.get('second')).toBe('Failed');
    expect(await fleet.counts()).toEqual({ Failed: 1 });
  });
});

describe('giveUp of a launch that was claimed', () => {
  it('a give-up message waits while a worker that may be making the call holds the claim', async () => {
    const worker = fleet.makeWorker({ at: /^answer to create/, does: 'die' });
    await fleet.handle(launchOf(0), worker);
    const { claimUntilMs } = await fleet.claimed();
    fleet.nowMs += 10_000;
    expect(await fleet.handle(giveUpOf(0))).toEqual(requeueAfter(claimUntilMs - fleet.nowMs));
    expect(await fleet.record()).toMatchObject({ status: 'Creating' });
    expect(fleet.told.size).toBe(0);
  });

  it('an instance whose call may have made a machine is Failed only after a poll has removed the machine', async () => {
    const worker = fleet.makeWorker({ at: /^answer to create/, does: 'die' });
    await fleet.handle(launchOf(0), worker);
    fleet.nowMs = (await fleet.claimed()).claimUntilMs;
    expect(await fleet.handle(giveUpOf(0))).toEqual(ACK);
    expect(await fleet.record()).toMatchObject({ status: 'Terminating', closeAs: 'Failed' });
    expect([...fleet.told]).toEqual(TOLD_FAILED);
    expect(await fleet.holders()).toEqual([0]);
    await fleet.until(async () => (await fleet.record())?.status === 'Failed');
    expect(fleet.cloud.standing).toEqual([]);
    expect(fleet.history.indexOf('terminate m1')).toBeGreaterThan(
      fleet.history.indexOf('task give-up-0 Failed'),
    );
    await fleet.until(async () => (await fleet.holders()).length === 0);
    expect(await fleet.counts()).toEqual({ Failed: 1 });
  });

  it('an instance whose outcome is unknown is Terminating first, and keeps its slot', async () => {
    failCreates(new DriverError('OutcomeUnknown', 'no answer'));
    await fleet.handle(launchOf(0));
    expect(await fleet.handle(giveUpOf(0))).toEqual(ACK);
    expect(await fleet.record()).toMatchObject({ status: 'Terminating', closeAs: 'Failed' });
    expect(await fleet.holders()).toEqual([0]);
  });

  it('an instance of which the cloud is known to have nothing fails, and gives its slot back', async () => {
    fleet.cloud.meet = (call) => {
      if (call.startsWith('create')) throw new DriverError('Throttled', 'slow down');
    };
    await fleet.handle(launchOf(0));
    fleet.history.length = 0;
    expect(await fleet.handle(giveUpOf(0))).toEqual(ACK);
    expect(fleet.history.slice(0, 3)).toEqual([
      'record 0 Failed refused',
      'task give-up-0 Failed',
      'slot 0 returned',
    ]);
  });

  it('a give-up message is requeued when the record has changed since it was read', async () => {
    await fleet.handle(launchOf(0));
    const worker = fleet.makeWorker({
      at: /TransactWriteCommand.*INST#/,
      does: async () => updateInstance(fleet.store, await fleet.claimed(), { taskToken: 'later' }),
    });
    expect(await fleet.handle(giveUpOf(0), worker)).toEqual(requeueAfter(1_000));
    expect(await fleet.record()).toMatchObject({ status: 'Creating', taskToken: 'later' });
    expect(fleet.told.size).toBe(0);
  });

  it('a give-up message is answered Running when the instance runs', async () => {
    fleet.send(launchOf(0), 0);
    await fleet.until(() => fleet.told.has('token-0'));
    expect(await fleet.handle(giveUpOf(0))).toEqual(ACK);
    expect(fleet.told.get('give-up-0')).toBe('Running');
    expect(await fleet.record()).toMatchObject({ status: 'Running' });
    expect(fleet.cloud.standing).toHaveLength(1);
  });

  it('a give-up message does not change an instance that a later round launches', async () => {
    await fleet.stopLaunching('paused');
    await fleet.startRound(2);
    await fleet.handle(launchOf(0, { round: 2 }));
    const record = await fleet.record();
    expect(await fleet.handle(giveUpOf(0))).toEqual(ACK);
    expect(fleet.told.get('give-up-0')).toBe('Cancelled');
    expect(await fleet.record()).toEqual(record);
  });

  it('an instance that waits for its next attempt at another location fails when it is given up', async () => {
    fleet.end();
    fleet = await OneFleet.open({ locations: ['east', 'west'] });
    await fleet.handle(launchOf(0));
    const failure = { code: 'InsufficientCapacity', message: 'none left' };
    await attemptElsewhere(fleet.worker.context, await fleet.claimed(), failure);
    expect(await fleet.handle(giveUpOf(0))).toEqual(ACK);
    expect(await fleet.record()).toMatchObject({ status: 'Failed', location: 'west' });
    expect([...fleet.told]).toEqual(TOLD_FAILED);
    expect(await fleet.counts('west')).toEqual({ Failed: 1 });
  });

  it('an instance that is given up while it leaves a location is closed as Failed', async () => {
    await fleet.handle(launchOf(0));
    const failure = { code: 'CloudFailed', message: 'no host' };
    const record = await fleet.claimed();
    fleet.putRecord({ ...record, status: 'Terminating', closeAs: 'Planned', failure });
    expect(await fleet.handle(giveUpOf(0))).toEqual(ACK);
    expect(await fleet.record()).toMatchObject({ status: 'Terminating', closeAs: 'Failed', failure });
    expect([...fleet.told]).toEqual(TOLD_FAILED);
  });

  it('an instance that is given up has the failure of its connection when the cloud has rejected the credential', async () => {
    const failure = { code: 'Unauthorized', message: 'the key was revoked' };
    await updateConnection(fleet.store, 'default', 'cloud', { status: 'Failed', failure });
    await fleet.handle(giveUpOf(0));
    expect(await fleet.record()).toMatchObject({ status: 'Failed', failure });
  });

  it.each([
    ['was accepted', async () => void (await fleet.handle(launchOf(0)))],
    [
      'was refused for now',
      async () => {
        fleet.cloud.meet = (call) => {
          if (call.startsWith('create')) throw new DriverError('Throttled', 'slow down');
        };
        await fleet.handle(launchOf(0));
      },
    ],
    ['was never claimed', async () => {}],
  ])(
    'a launch that %s ends as Failed, without machine and slot, wherever the worker dies that gives it up',
    async (_, prepare) => {
      for (let at = 1; at <= 14; at += 1) {
        fleet.end();
        fleet = await OneFleet.open();
        fleet.cloud.bootMs = Number.POSITIVE_INFINITY;
        await prepare();
        const polls = fleet.queue.splice(0);
        fleet.send(giveUpOf(0), 0);
        await fleet.deliverNext(fleet.makeWorker({ at, does: 'die' }));
        fleet.queue.push(...polls);
        await fleet.until(
          async () => (await fleet.record())?.status === 'Failed' && (await fleet.holders()).length === 0,
        );
        await fleet.until(() => fleet.told.size > 0);
        expect([...fleet.told]).toEqual([['give-up-0', 'Failed']]);
        expect(fleet.cloud.standing).toEqual([]);
        expect(await fleet.counts()).toEqual({ Failed: 1 });
      }
    },
  );
});
