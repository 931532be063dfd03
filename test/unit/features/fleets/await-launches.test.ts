import { afterEach, describe, expect, it } from 'vitest';
import { freeSlots } from '../../../../functions/features/launch-queue/free-slots.ts';
import { launchesIn } from '../../../../functions/features/launch-queue/share-message.ts';
import { readAwait } from '../../../../functions/platform/store/awaits.ts';
import { readFleetItem, updateFleet } from '../../../../functions/platform/store/fleets.ts';
import { placementKey } from '../../../../functions/platform/store/keys.ts';
import { transition } from '../../../../functions/platform/store/transition.ts';
import { ACK, type MessageResult } from '../../../../functions/platform/worker/context.ts';
import type { AwaitLaunchesMessage } from '../../../../functions/platform/workflow/messages.ts';
import {
  AWAIT,
  awaitOf,
  CONNECTION,
  EAST,
  FLEET,
  launchOf,
  OneFleet,
  type OneFleetOptions,
  WEST,
} from '../one-fleet/one-fleet.ts';

const MINUTE_MS = 60_000;
/** Time after which a launch that is not under way counts as lost: the time limit of an instance, and five minutes. */
const LOST_MS = 25 * MINUTE_MS;

let fleet: OneFleet;
afterEach(() => fleet.end());

async function open(options: OneFleetOptions = {}): Promise<void> {
  fleet?.end();
  fleet = await OneFleet.open(options);
}

/** Returns the message that comes back after a check. */
function next(result: MessageResult | 'died'): AwaitLaunchesMessage {
  if (result === 'died' || result.done || result.as?.kind !== 'await-launches')
    throw new Error('the message does not come back');
  return result.as;
}
const stored = () => readAwait(fleet.store, { fleetId: FLEET, connectionKey: CONNECTION });

/** Writes that an instance has ended. */
async function end(index: number, to: 'Failed' | 'Terminating', site = EAST): Promise<void> {
  const record = await fleet.claimed(index);
  const failure = { code: 'CloudFailed', message: 'no host' };
  const change = { kind: 'change', record, to, fields: { failure, closeAs: 'Failed' } } as const;
  await transition(fleet.store, { fleetId: FLEET, ...site }, [change], 0);
}

describe('a workflow step that waits for launches', () => {
  it('the step is answered when the last launch of the connection has an outcome, at whichever location', async () => {
    await open({ size: 2, locations: ['east', 'west'] });
    fleet.send(launchOf(0), 0);
    await fleet.until(async () => (await fleet.record(0))?.status === 'Running');
    expect(fleet.outcomes.size).toBe(0);
    fleet.send(launchOf(1, WEST), 0);
    await fleet.until(() => fleet.outcomes.size > 0);
    expect([...fleet.outcomes]).toEqual([[AWAIT, 'Settled']]);
    expect(await stored()).toBeUndefined();
  });

  it('the step is answered if no launch is left when its message comes', async () => {
    await open();
    await fleet.handle(launchOf(0));
    await end(0, 'Failed');
    expect(await fleet.handle(awaitOf())).toEqual(ACK);
    expect([...fleet.outcomes]).toEqual([[AWAIT, 'Settled']]);
  });

  it('until the step is answered, its message comes back at growing intervals, and each time sends a heartbeat', async () => {
    await open();
    const waits: number[] = [];
    let message = awaitOf();
    for (let check = 0; check < 6; check += 1) {
      const result = await fleet.handle(message);
      message = next(result);
      if (result !== 'died' && !result.done) waits.push(result.waitMs / 1_000);
    }
    expect(waits).toEqual([30, 60, 120, 240, 300, 300]);
    expect(fleet.heartbeats).toEqual(Array.from({ length: 6 }, () => AWAIT));
  });

  it('a message whose step does not wait any more is dropped', async () => {
    await open();
    fleet.spent.add('late');
    expect(await fleet.handle(awaitOf({ taskToken: 'late' }))).toEqual(ACK);
    expect(await stored()).toMatchObject({ taskToken: AWAIT });
    expect(fleet.outcomes.size).toBe(0);
  });

  it('a step that was repeated replaces the one before it', async () => {
    await open();
    next(await fleet.handle(awaitOf({ taskToken: 'again' })));
    expect(await stored()).toMatchObject({ taskToken: 'again' });
    expect([...fleet.outcomes]).toEqual([[AWAIT, 'Replaced']]);
    fleet.send(launchOf(0), 0);
    await fleet.until(() => fleet.outcomes.has('again'));
    expect(fleet.outcomes.get('again')).toBe('Settled');
  });

  it('a step of a later execution replaces that of an earlier one, and not the other way round', async () => {
    await open();
    const item = await readFleetItem(fleet.store, FLEET);
    if (!item) throw new Error('the fleet has no item');
    await updateFleet(fleet.store, item, { execution: 2 });
    next(await fleet.handle(awaitOf({ execution: 2, taskToken: 'second' })));
    expect([...fleet.outcomes]).toEqual([[AWAIT, 'Replaced']]);
    expect(await fleet.handle(awaitOf({ taskToken: 'first' }))).toEqual(ACK);
    expect(fleet.outcomes.get('first')).toBe('Replaced');
    expect(await stored()).toMatchObject({ execution: 2, taskToken: 'second' });
  });

  it('if the worker dies at any step of a check, the step is answered in the end', async () => {
    for (let at = 1; at <= 8; at += 1) {
      await open();
      await fleet.handle(launchOf(0));
      await end(0, 'Failed');
      fleet.send(awaitOf(), 0);
      await fleet.deliverNext(fleet.makeWorker({ at, does: 'die' }));
      await fleet.until(() => fleet.outcomes.has(AWAIT));
      expect([...fleet.outcomes]).toEqual([[AWAIT, 'Settled']]);
    }
  });

  it('where launching has stopped, the step waits for the open attempts, and not for positions without a record', async () => {
    await open({ size: 3 });
    await fleet.handle(launchOf(0));
    await fleet.stopLaunching('paused');
    next(await fleet.handle(awaitOf()));
    await end(0, 'Failed');
    expect(await fleet.handle(awaitOf())).toEqual(ACK);
    expect(fleet.outcomes.get(AWAIT)).toBe('Settled');
  });

  it('launches that are cancelled answer the step', async () => {
    await open({ size: 2 });
    await fleet.stopLaunching('paused');
    await fleet.handle(launchOf(0, { others: [1] }));
    expect([...fleet.outcomes]).toEqual([[AWAIT, 'Settled']]);
  });

  it('the records tell whether a launch is left at a placement of an earlier release, which has no such counters', async () => {
    await open();
    await fleet.handle(launchOf(0));
    const { countsRounds: _, ...earlier } = await fleet.placement();
    fleet.put('fleets', { ...placementKey(FLEET, CONNECTION, 'east'), ...earlier });
    next(await fleet.handle(awaitOf()));
    await end(0, 'Failed');
    expect(await fleet.handle(awaitOf())).toEqual(ACK);
    expect([...fleet.outcomes]).toEqual([[AWAIT, 'Settled']]);
  });
});

describe('a later round', () => {
  it('an instance of an earlier round that ends while a later one launches is launched again', async () => {
    await open();
    fleet.send(launchOf(0), 0);
    await fleet.until(() => fleet.outcomes.has(AWAIT));
    await fleet.stopLaunching('paused');
    await fleet.startRound(2);
    await fleet.handle(launchOf(0, { round: 2 }));
    fleet.nowMs += MINUTE_MS;
    for (const machine of fleet.cloud.made) fleet.cloud.vanish(machine);
    await fleet.until(async () => (await fleet.record())?.round === 2);
    await fleet.until(async () => (await fleet.record())?.status === 'Running');
    expect(fleet.cloud.made).toHaveLength(2);
  });

  it('the step waits until the instances that an earlier round left failed have been launched again', async () => {
    await open();
    await fleet.handle(launchOf(0));
    await end(0, 'Failed');
    await fleet.stopLaunching('paused');
    await fleet.startRound(2);
    next(await fleet.handle(awaitOf()));
    fleet.send(launchOf(0, { round: 2 }), 0);
    await fleet.until(() => fleet.outcomes.has(AWAIT));
    expect(await fleet.record()).toMatchObject({ status: 'Running', round: 2 });
  });
});

describe('lost launches', () => {
  it('launches whose messages are lost are sent again, and given up if they are lost again', async () => {
    await open({ size: 3 });
    fleet.send(launchOf(1), 0);
    await fleet.until(async () => (await fleet.record(1))?.status === 'Running');
    fleet.queue = [];
    let message = next(await fleet.handle(awaitOf()));
    fleet.nowMs += LOST_MS - 1_000;
    message = next(await fleet.handle(message));
    expect(fleet.sent('launch')).toEqual([]);
    fleet.nowMs += 1_000;
    message = next(await fleet.handle(message));
    expect(fleet.sent('launch')).toEqual([launchOf(0, { others: [2] })]);
    fleet.queue = [];
    fleet.nowMs += LOST_MS;
    message = next(await fleet.handle(message));
    expect(fleet.sent('launch')).toEqual([]);
    expect(fleet.sent('give-up')).toMatchObject([{ index: 0, others: [2], round: 1, ...EAST }]);
    await fleet.until(() => fleet.outcomes.has(AWAIT));
    expect(await fleet.counts()).toEqual({ Running: 1, Failed: 2 });
  });

  it('a launch that was sent again and runs is not given up', async () => {
    await open();
    let message = next(await fleet.handle(awaitOf()));
    fleet.nowMs += LOST_MS;
    message = next(await fleet.handle(message));
    await fleet.until(() => fleet.outcomes.has(AWAIT));
    expect(await fleet.counts()).toEqual({ Running: 1 });
    fleet.spent.add(AWAIT);
    expect(await fleet.handle(message)).toEqual(ACK);
  });

  it('launches in the launch queue are not lost, however long they wait', async () => {
    await open({ size: 2, limits: { concurrentInstancesPerLocation: 1 } });
    await fleet.handle(launchOf(0, { others: [1] }));
    await end(0, 'Failed');
    fleet.queue = [];
    let message = next(await fleet.handle(awaitOf()));
    for (let check = 0; check < 4; check += 1) {
      fleet.nowMs += LOST_MS;
      message = next(await fleet.handle(message));
    }
    expect([...fleet.sent('launch'), ...fleet.sent('give-up')]).toEqual([]);
    await freeSlots(fleet.worker.context, EAST, [{ instanceId: `${FLEET}-00000` }]);
    expect(
      fleet
        .sent('launch')
        .flatMap(launchesIn)
        .map(({ index }) => index),
    ).toEqual([1]);
  });

  it('while an instance is being launched or removed, no launch of its location counts as lost', async () => {
    await open({ size: 2 });
    await fleet.handle(launchOf(0));
    fleet.queue = [];
    let message = next(await fleet.handle(awaitOf()));
    for (let check = 0; check < 3; check += 1) {
      fleet.nowMs += LOST_MS;
      message = next(await fleet.handle(message));
    }
    expect(fleet.sent('launch')).toEqual([]);
  });

  it('launches that wait for network resources are sent again at growing intervals, and never given up', async () => {
    await open();
    fleet.removeNetworks('east');
    let message = next(await fleet.handle(awaitOf()));
    const sentAtMinutes: number[] = [];
    for (let minutes = 0; minutes < 240; minutes += 5) {
      fleet.nowMs += 5 * MINUTE_MS;
      message = next(await fleet.handle(message));
      if (fleet.sent('launch').length > 0) sentAtMinutes.push(minutes + 5);
      expect(fleet.sent('give-up')).toEqual([]);
      fleet.queue = [];
    }
    expect(sentAtMinutes).toEqual([25, 50, 100, 200]);
  });

  it('after six days, launches that still wait are given up', async () => {
    await open({ size: 2, limits: { concurrentInstancesPerLocation: 1 } });
    await fleet.handle(launchOf(0, { others: [1] }));
    fleet.queue = [];
    fleet.nowMs += 6 * 24 * 60 * MINUTE_MS;
    await fleet.handle(awaitOf());
    expect(fleet.sent('give-up')).toMatchObject([{ index: 1, round: 1 }]);
    expect(await fleet.record(0)).toMatchObject({ status: 'Creating' });
  });
});
