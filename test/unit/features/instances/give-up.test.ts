import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { attemptElsewhere } from '../../../../functions/features/instances/attempt-elsewhere.ts';
import { isComplete } from '../../../../functions/platform/store/completeness.ts';
import { transition, updateInstance } from '../../../../functions/platform/store/transition.ts';
import { updateConnection } from '../../../../functions/platform/store/update-connection.ts';
import { ACK, requeueAfter, requeueAs } from '../../../../functions/platform/worker/context.ts';
import { AWAIT, awaitOf, CLOUD, EAST, FLEET, giveUpOf, launchOf, OneFleet } from '../one-fleet/one-fleet.ts';

const ANSWERED = [[AWAIT, 'Settled']];

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
  it('giveUp writes a Failed record for an unclaimed launch, and a later launch message creates nothing', async () => {
    expect(await fleet.handle(giveUpOf(0))).toEqual(ACK);
    expect(await fleet.record()).toMatchObject({ status: 'Failed', failure: { code: 'Timeout' } });
    expect([...fleet.outcomes]).toEqual(ANSWERED);
    expect(await fleet.counts()).toEqual({ Failed: 1 });
    expect(await fleet.handle(launchOf(0))).toEqual(ACK);
    expect(creates()).toEqual([]);
  });

  it('giveUp cancels an unclaimed launch that the launch gate stops, and starts a poll to free its slot', async () => {
    await fleet.stopLaunching('paused');
    expect(await fleet.handle(giveUpOf(0))).toEqual(ACK);
    expect([...fleet.outcomes]).toEqual(ANSWERED);
    expect(await fleet.record()).toBeUndefined();
    expect(fleet.sent('poll')).toHaveLength(1);
  });

  it('a give-up message is requeued if a launch claims the instance before giveUp writes', async () => {
    const worker = fleet.makeWorker({
      at: /TransactWriteCommand.*INST#/,
      does: () => fleet.handle(launchOf(0)),
    });
    expect(await fleet.handle(giveUpOf(0), worker)).toEqual(requeueAfter(1_000));
    expect(await fleet.record()).toMatchObject({ status: 'Creating', launchState: 'accepted' });
    expect(fleet.outcomes.size).toBe(0);
  });

  it('an instance that failed without a claim fails again if no worker claims it in the next round', async () => {
    await fleet.handle(giveUpOf(0));
    await fleet.stopLaunching('paused');
    await fleet.startRound(2);
    expect(await fleet.handle(giveUpOf(0, { round: 2 }))).toEqual(ACK);
    expect(await fleet.record()).toMatchObject({ status: 'Failed', round: 2 });
    expect(await fleet.counts()).toEqual({ Failed: 1 });
  });
});

describe('giveUp of a launch that was claimed', () => {
  it('a give-up message is requeued until the claim expires, because the worker may still make the create call', async () => {
    const worker = fleet.makeWorker({ at: /^answer to create/, does: 'die' });
    await fleet.handle(launchOf(0), worker);
    const { claimUntilMs } = await fleet.claimed();
    fleet.nowMs += 10_000;
    expect(await fleet.handle(giveUpOf(0))).toEqual(requeueAfter(claimUntilMs - fleet.nowMs));
    expect(await fleet.record()).toMatchObject({ status: 'Creating' });
    expect(fleet.outcomes.size).toBe(0);
  });

  it('an instance whose call may have made a machine becomes Failed only after a poll has removed the machine', async () => {
    const worker = fleet.makeWorker({ at: /^answer to create/, does: 'die' });
    await fleet.handle(launchOf(0), worker);
    fleet.nowMs = (await fleet.claimed()).claimUntilMs;
    expect(await fleet.handle(giveUpOf(0))).toEqual(ACK);
    expect(await fleet.record()).toMatchObject({ status: 'Terminating', closeAs: 'Failed' });
    expect([...fleet.outcomes]).toEqual(ANSWERED);
    expect(await fleet.holders()).toEqual([0]);
    await fleet.until(async () => (await fleet.record())?.status === 'Failed');
    expect(fleet.cloud.standing).toEqual([]);
    expect(fleet.history.indexOf('terminate m1')).toBeGreaterThan(
      fleet.history.indexOf('task await Settled'),
    );
    await fleet.until(async () => (await fleet.holders()).length === 0);
    expect(await fleet.counts()).toEqual({ Failed: 1 });
  });

  it('an instance with an unknown outcome becomes Terminating and keeps its slot', async () => {
    failCreates(new DriverError('OutcomeUnknown', 'no answer'));
    await fleet.handle(launchOf(0));
    expect(await fleet.handle(giveUpOf(0))).toEqual(ACK);
    expect(await fleet.record()).toMatchObject({ status: 'Terminating', closeAs: 'Failed' });
    expect(await fleet.holders()).toEqual([0]);
  });

  it('an instance whose call the cloud refused becomes Failed, and its slot is given back', async () => {
    fleet.cloud.meet = (call) => {
      if (call.startsWith('create')) throw new DriverError('Throttled', 'slow down');
    };
    await fleet.handle(launchOf(0));
    fleet.history.length = 0;
    expect(await fleet.handle(giveUpOf(0))).toEqual(ACK);
    expect(fleet.history.slice(0, 3)).toEqual([
      'record 0 Failed refused',
      'task await Settled',
      'slot 0 returned',
    ]);
  });

  it('a give-up message is requeued if the record changed after giveUp read the record', async () => {
    await fleet.handle(launchOf(0));
    const worker = fleet.makeWorker({
      at: /TransactWriteCommand.*INST#/,
      does: async () => updateInstance(fleet.store, await fleet.claimed(), { claimUntilMs: 1 }),
    });
    expect(await fleet.handle(giveUpOf(0), worker)).toEqual(requeueAfter(1_000));
    expect(await fleet.record()).toMatchObject({ status: 'Creating', claimUntilMs: 1 });
    expect(fleet.outcomes.size).toBe(0);
  });

  it('giveUp keeps an instance that runs', async () => {
    fleet.send(launchOf(0), 0);
    await fleet.until(() => fleet.outcomes.has('await'));
    expect(await fleet.handle(giveUpOf(0))).toEqual(ACK);
    expect(await fleet.record()).toMatchObject({ status: 'Running' });
    expect(fleet.cloud.standing).toHaveLength(1);
  });

  it('a give-up message of an earlier round does not change an instance that a later round launches', async () => {
    await fleet.stopLaunching('paused');
    await fleet.startRound(2);
    await fleet.handle(launchOf(0, { round: 2 }));
    const record = await fleet.record();
    expect(await fleet.handle(giveUpOf(0))).toEqual(ACK);
    expect(await fleet.record()).toEqual(record);
  });

  it('giveUp fails an instance that waits for its next attempt at another location', async () => {
    fleet.end();
    fleet = await OneFleet.open({ locations: ['east', 'west'] });
    await fleet.handle(launchOf(0));
    const failure = { code: 'InsufficientCapacity', message: 'none left' };
    await attemptElsewhere(fleet.worker.context, await fleet.claimed(), failure);
    expect(await fleet.handle(giveUpOf(0))).toEqual(ACK);
    expect(await fleet.record()).toMatchObject({ status: 'Failed', location: 'west' });
    expect([...fleet.outcomes]).toEqual(ANSWERED);
    expect(await fleet.counts('west')).toEqual({ Failed: 1 });
  });

  it('giveUp changes `closeAs` from Planned to Failed if the instance is to move after the removal of its machine', async () => {
    await fleet.handle(launchOf(0));
    const failure = { code: 'CloudFailed', message: 'no host' };
    const record = await fleet.claimed();
    fleet.putRecord({ ...record, status: 'Terminating', closeAs: 'Planned', failure });
    expect(await fleet.handle(giveUpOf(0))).toEqual(ACK);
    expect(await fleet.record()).toMatchObject({ status: 'Terminating', closeAs: 'Failed', failure });
  });

  it('giveUp copies the connection’s failure to the instance if the cloud has rejected the credential', async () => {
    const failure = { code: 'Unauthorized', message: 'the key was revoked' };
    await updateConnection(fleet.store, CLOUD, { status: 'Failed', failure });
    await fleet.handle(giveUpOf(0));
    expect(await fleet.record()).toMatchObject({ status: 'Failed', failure });
  });

  it.each([
    ['was accepted', async () => void (await fleet.handle(launchOf(0)))],
    [
      'was throttled',
      async () => {
        fleet.cloud.meet = (call) => {
          if (call.startsWith('create')) throw new DriverError('Throttled', 'slow down');
        };
        await fleet.handle(launchOf(0));
      },
    ],
    ['was never claimed', async () => {}],
  ])(
    'if the worker dies at any step of giveUp, a launch that %s becomes Failed and has no machine and no slot',
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
        fleet.send(awaitOf(), 0);
        await fleet.until(
          async () => (await fleet.record())?.status === 'Failed' && (await fleet.holders()).length === 0,
        );
        await fleet.until(() => fleet.outcomes.size > 0);
        expect([...fleet.outcomes]).toEqual(ANSWERED);
        expect(fleet.cloud.standing).toEqual([]);
        expect(await fleet.counts()).toEqual({ Failed: 1 });
      }
    },
  );

  it('a message gives up several launches, and those whose claims other workers have come back together', async () => {
    fleet.end();
    fleet = await OneFleet.open({ size: 4 });
    const worker = fleet.makeWorker({ at: /^answer to create/, does: 'die' });
    await fleet.handle(launchOf(1, { others: [3] }), worker);
    const { claimUntilMs } = await fleet.claimed(1);
    const message = giveUpOf(0, { others: [1, 2, 3] });
    expect(await fleet.handle(message)).toEqual(
      requeueAs(giveUpOf(1, { others: [3] }), claimUntilMs - fleet.nowMs),
    );
    expect(await fleet.counts()).toEqual({ Creating: 2, Failed: 2 });
    fleet.nowMs = claimUntilMs;
    expect(await fleet.handle(giveUpOf(1, { others: [3] }))).toEqual(ACK);
    await fleet.until(async () => (await fleet.counts())['Failed'] === 4);
    expect([...fleet.outcomes]).toEqual(ANSWERED);
  });

  it('an instance whose earlier machine is still being removed fails in this round, too', async () => {
    await fleet.handle(launchOf(0));
    const failure = { code: 'CloudFailed', message: 'no host' };
    const record = await fleet.claimed();
    await transition(
      fleet.store,
      { fleetId: FLEET, ...EAST },
      [{ kind: 'change', record, to: 'Terminating', fields: { closeAs: 'Failed', failure } }],
      0,
    );
    await fleet.stopLaunching('paused');
    await fleet.startRound(2);
    expect(isComplete(await fleet.placement())).toBe(false);
    expect(await fleet.handle(giveUpOf(0, { round: 2 }))).toEqual(ACK);
    expect(await fleet.record()).toMatchObject({ status: 'Terminating', closeAs: 'Failed', round: 2 });
    expect((await fleet.placement()).groups['web']).toMatchObject({
      ended1: 0,
      ended2: 1,
      lost1: 1,
      lost2: 1,
    });
    expect([...fleet.outcomes]).toEqual(ANSWERED);
  });
});
