import { afterEach, describe, expect, it } from 'vitest';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { readConnection } from '../../../../functions/platform/store/connections.ts';
import { updateConnection } from '../../../../functions/platform/store/update-connection.ts';
import { ACK, requeueAfter } from '../../../../functions/platform/worker/context.ts';
import type { LaunchMessage } from '../../../../functions/platform/workflow/messages.ts';
import {
  CLOUD,
  EAST,
  FLEET,
  launchOf,
  NOON,
  OneFleet,
  type OneFleetOptions,
} from '../one-fleet/one-fleet.ts';

const LIMIT_MS = 1_200_000;
const WORDS = 'the key was deleted';
const FAILURE = { code: 'Unauthorized', message: WORDS };

let fleet: OneFleet;
afterEach(() => fleet.end());

async function open(options: OneFleetOptions = {}): Promise<void> {
  fleet = await OneFleet.open(options);
}
/** Makes the cloud refuse the credential in each call. */
const refuseAll = () => {
  fleet.cloud.meet = () => {
    throw new DriverError('Unauthorized', WORDS);
  };
};
const acceptAll = () => {
  fleet.cloud.meet = () => {};
};
const connection = async () => await readConnection(fleet.store, 'default', 'cloud');
const fail = async () => await updateConnection(fleet.store, CLOUD, { status: 'Failed', failure: FAILURE });
/** Verifies the connection with success, as a worker does after the message `verify`. */
const heal = async () => await updateConnection(fleet.store, CLOUD, { status: 'Ready' });
const creates = () => fleet.history.filter((call) => call.startsWith('create'));
const calls = () => fleet.history.filter((entry) => !/^(record|send|task|slot)/.test(entry));

/** Delivers a message. @returns the delays of the launch messages that the worker sent in its place, in ms */
const waitsOf = async (message: LaunchMessage): Promise<number[]> => {
  const known = fleet.queue.length;
  expect(await fleet.handle(message)).toEqual(ACK);
  return fleet.queue.slice(known).flatMap((sent) => (sent.message.kind === 'launch' ? [sent.delayMs] : []));
};

describe('a launch of a connection whose credential is refused', () => {
  it('a launch waits without a call, a slot, a claim or an attempt', async () => {
    await open();
    await fail();
    expect(await waitsOf(launchOf(0))).toEqual([15_000]);
    expect(calls()).toEqual([]);
    expect(await fleet.holders()).toEqual([]);
    expect(await fleet.record()).toBeUndefined();
    expect(fleet.sent('poll')).toHaveLength(1);
  });

  it('a launch whose create call was refused makes no further call, and keeps its attempt', async () => {
    await open();
    refuseAll();
    fleet.send(launchOf(0), 0);
    for (let delivery = 1; delivery <= 4; delivery += 1) await fleet.deliverNext();
    expect(creates()).toHaveLength(1);
    expect(await fleet.record()).toMatchObject({ status: 'Creating', launchState: 'refused', attempt: 1 });
    expect(fleet.outcomes.size).toBe(0);
  });

  it('a launch goes on with the same launch token within a quarter of a minute after the connection works again', async () => {
    await open();
    refuseAll();
    fleet.send(launchOf(0), 0);
    await fleet.until(() => fleet.nowMs > NOON + 300_000);
    acceptAll();
    await heal();
    const healedMs = fleet.nowMs;
    await fleet.until(() => fleet.cloud.made.length === 1);
    expect(fleet.nowMs - healedMs).toBeLessThanOrEqual(15_000);
    expect(fleet.cloud.made[0]?.launchToken).toBe((await fleet.claimed()).launchToken);
    expect((await fleet.claimed()).attempt).toBe(1);
  });

  it('polls find out that the cloud accepts the credential, and ask for a verification of the connection', async () => {
    await open();
    refuseAll();
    fleet.send(launchOf(0), 0);
    await fleet.until(() => fleet.nowMs > NOON + 120_000);
    expect(fleet.sent('verify')).toEqual([]);
    acceptAll();
    await fleet.until(() => fleet.sent('verify').length > 0);
    expect(fleet.nowMs - NOON).toBeLessThanOrEqual(240_000);
    expect(fleet.sent('verify')).toEqual([
      { kind: 'verify', connectionKey: EAST.connectionKey, sync: false },
    ]);
  });

  it.each([
    ['before the first call', 0],
    ['while launches are queued', 5],
  ])(
    'if the credential is refused %s and never works again, each instance fails with the words of the cloud by the time limit of an instance',
    async (_when, accepted) => {
      await open({ size: 5, limits: { concurrentInstancesPerLocation: 2 } });
      fleet.cloud.bootMs = 24 * LIMIT_MS;
      for (let index = 0; index < 5; index += 1) fleet.send(launchOf(index), 0);
      for (let delivery = 0; delivery < accepted; delivery += 1) await fleet.deliverNext();
      refuseAll();
      for (let minute = 1; fleet.outcomes.size === 0; minute += 1)
        await fleet.until(() => fleet.outcomes.size > 0 || fleet.nowMs > NOON + minute * 60_000);
      for (const index of [0, 1, 2, 3, 4]) expect((await fleet.claimed(index)).failure).toEqual(FAILURE);
      expect(fleet.nowMs - NOON).toBeGreaterThanOrEqual(LIMIT_MS);
      expect(fleet.nowMs - NOON).toBeLessThan(LIMIT_MS + 180_000);
      expect(creates().length).toBeLessThanOrEqual(2);
    },
  );

  it('a retry of a fleet has the whole time limit, although the credential was refused days ago', async () => {
    await open();
    await fail();
    await fleet.stopLaunching('paused');
    fleet.nowMs += 3 * 24 * 3_600_000;
    await fleet.startRound(2);
    const message = launchOf(0, { round: 2 });
    expect(await waitsOf(message)).toEqual([15_000]);
    fleet.nowMs += LIMIT_MS - 1_000;
    expect(await waitsOf(message)).toEqual([1_000]);
    fleet.nowMs += 1_000;
    expect(await fleet.handle(message)).toEqual(ACK);
    expect(await fleet.record()).toMatchObject({ status: 'Failed', failure: FAILURE });
  });

  it('a launch that waits is cancelled if its fleet launches no more', async () => {
    await open();
    refuseAll();
    await fleet.handle(launchOf(0));
    await fleet.stopLaunching('paused');
    expect(await fleet.handle(launchOf(0))).toEqual(ACK);
    expect([...fleet.outcomes]).toEqual([['await', 'Settled']]);
    expect(await fleet.record()).toMatchObject({ status: 'Planned' });
    expect(await fleet.holders()).toEqual([]);
  });

  it('a launch whose outcome is unknown waits without a look-up until the connection works again', async () => {
    await open();
    fleet.cloud.reply = (call) => {
      if (call.startsWith('create')) throw new DriverError('OutcomeUnknown', 'no answer');
    };
    fleet.send(launchOf(0), 0);
    await fleet.deliverNext();
    await fail();
    const worker = fleet.makeWorker();
    fleet.nowMs += 60_000;
    await fleet.until(() => fleet.nowMs > NOON + 200_000);
    expect(fleet.history.filter((call) => call.startsWith('find'))).toEqual([]);
    await heal();
    await fleet.until(async () => (await fleet.record())?.status === 'Running');
    expect(fleet.cloud.made).toHaveLength(1);
    expect(worker.isDead).toBe(false);
  });

  it('a call that the cloud denies to an accepted credential fails its attempt, and no launch waits for the connection', async () => {
    await open({ size: 2 });
    fleet.cloud.meet = (call) => {
      if (call.startsWith('create')) throw new DriverError('Forbidden', 'UnauthorizedOperation');
    };
    expect(await fleet.handle(launchOf(0))).toEqual(ACK);
    expect(await fleet.record()).toMatchObject({ status: 'Failed', failure: { code: 'Forbidden' } });
    expect(await connection()).toMatchObject({ status: 'Ready' });
  });

  it('a disabled connection stays disabled, shows the words of the cloud, and its launches wait as well', async () => {
    await open({ size: 2 });
    await updateConnection(fleet.store, CLOUD, { status: 'Disabled' });
    refuseAll();
    expect(await fleet.handle(launchOf(0))).toEqual(requeueAfter(1_000));
    expect(await connection()).toMatchObject({ status: 'Disabled', failure: FAILURE });
    expect(await waitsOf(launchOf(1))).toEqual([15_000]);
    expect(creates()).toHaveLength(1);
  });

  it('a connection without a stored credential is marked as refused, and its launch waits', async () => {
    await open();
    fleet.worker.context.open = () =>
      Promise.reject(new DriverError('Unauthorized', 'the connection has no credential'));
    expect(await waitsOf(launchOf(0))).toEqual([15_000]);
    expect(await connection()).toMatchObject({
      status: 'Failed',
      failure: { code: 'Unauthorized', message: 'the connection has no credential' },
    });
  });
});

describe('network resources of a connection whose credential is refused', () => {
  const message = { kind: 'prepare-networks', fleetId: FLEET, taskToken: 'networks', ...EAST } as const;

  it('the task of the network resources waits for the connection, and ends when the connection works again', async () => {
    await open();
    fleet.removeNetworks('east');
    refuseAll();
    expect(await fleet.handle(message)).toEqual(requeueAfter(1_000));
    const refused = calls().length;
    fleet.nowMs += 60_000;
    expect(await fleet.handle(message)).toEqual(requeueAfter(15_000));
    expect(calls()).toHaveLength(refused);
    expect((await fleet.placement()).blocked).toBeUndefined();
    acceptAll();
    await heal();
    fleet.nowMs += 60_000;
    for (let delivery = 1; delivery <= 4 && !fleet.outcomes.has('networks'); delivery += 1) {
      await fleet.handle(message);
      fleet.nowMs += 5_000;
    }
    expect(fleet.outcomes.get('networks')).toBe('Ready');
  });

  it('the task of the network resources fails with the words of the cloud at the time limit of the instances', async () => {
    await open();
    await fail();
    fleet.nowMs += LIMIT_MS - 1;
    expect(await fleet.handle(message)).toEqual(requeueAfter(1));
    fleet.nowMs += 1;
    expect(await fleet.handle(message)).toEqual(ACK);
    expect([...fleet.failures]).toEqual([['networks', 'Unauthorized']]);
  });

  it('the task of the network resources ends immediately if the fleet launches no more', async () => {
    await open();
    await fail();
    await fleet.stopLaunching('ended');
    expect(await fleet.handle(message)).toEqual(ACK);
    expect([...fleet.failures]).toEqual([['networks', 'LaunchAbandoned']]);
  });
});
