import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DriverError, type DriverErrorCode } from '../../../../functions/drivers/contract/errors.ts';
import { pollSite } from '../../../../functions/features/poller/poll-site.ts';
import { releaseSlots } from '../../../../functions/platform/governor/release-slots.ts';
import { endLoop, listLoops, startLoop, takePoll } from '../../../../functions/platform/store/loops.ts';
import { EAST, launchOf, NOON, OneFleet, type Worker } from '../one-fleet/one-fleet.ts';

const LOOP = { driver: 'sim', ...EAST };
const HOUR_MS = 3_600_000;

let fleet: OneFleet;
beforeEach(async () => {
  fleet = await OneFleet.open();
});
afterEach(() => fleet.end());

/** Launches the fleet's only instance. Afterwards the queue contains only the message of the first poll. */
const launch = async () => {
  await fleet.handle(launchOf(0));
  fleet.history.length = 0;
};
/** Launches the instance, waits until it runs, and then moves the clock forward by an hour. */
const launchAndRun = async () => {
  await launch();
  await fleet.until(() => fleet.outcomes.size > 0);
  fleet.nowMs += HOUR_MS;
  fleet.history.length = 0;
};
const refuseLists = (code: DriverErrorCode, detail: { retryAfterMs?: number } = {}) => {
  fleet.cloud.meet = (call) => {
    if (call.startsWith('list')) throw new DriverError(code, 'no list', detail);
  };
};
const lists = () => fleet.history.filter((one) => one.startsWith('list'));
const delayOfNext = () => {
  const polls = fleet.queue.filter(({ message }) => message.kind === 'poll');
  expect(polls).toHaveLength(1);
  return polls[0]?.delayMs;
};
const poll = async (worker?: Worker) => await fleet.poll(EAST, worker);

describe('the poll loop of a site', () => {
  it('a site is polled only once when the message of a poll is delivered twice', async () => {
    await launch();
    const [message] = fleet.sent('poll');
    if (!message) throw new Error('the launch did not start the poll loop');
    await fleet.handle(message);
    await fleet.handle(message, fleet.makeWorker());
    expect(lists()).toHaveLength(1);
    expect(fleet.sent('poll').filter(({ generation }) => generation > message.generation)).toHaveLength(1);
  });

  it('the next poll comes in five seconds while an instance is in transition', async () => {
    await launch();
    await poll();
    expect(delayOfNext()).toBe(5_000);
    expect(lists()).toHaveLength(1);
  });

  it('the next poll comes in one second if a removal call of the current poll gets no permit', async () => {
    await launch();
    fleet.putRecord({ ...(await fleet.claimed()), status: 'Terminating', closeAs: 'Failed' });
    fleet.nowMs += 60_000;
    fleet.cloud.meet = (call) => {
      if (call.startsWith('terminate')) throw new DriverError('NoPermit', 'later');
    };
    await poll();
    expect(delayOfNext()).toBe(1_000);
  });

  it('the poll loop ends after two polls that find nothing in transition, and is not marked idle if instances run', async () => {
    await launchAndRun();
    await poll();
    fleet.queue = [];
    await poll();
    expect(fleet.queue).toEqual([]);
    expect(await listLoops(fleet.store, 'sim')).toMatchObject([{ active: false, idle: false }]);
  });

  it('the poll loop of a site without instances or launches ends as idle, and listLoops leaves it out', async () => {
    await poll();
    await poll();
    expect(fleet.queue.filter(({ message }) => message.kind === 'poll')).toEqual([]);
    expect(await listLoops(fleet.store, 'sim')).toEqual([]);
  });

  it('the poll loop continues if a launch starts the loop again during the loop’s last poll', async () => {
    await launchAndRun();
    await poll();
    fleet.queue = [];
    const worker = fleet.makeWorker({
      at: /^list/,
      does: () => startLoop(fleet.store, LOOP, fleet.nowMs),
    });
    await poll(worker);
    expect(delayOfNext()).toBe(5_000);
  });

  it('the poll loop continues after a poll that fails with an error other than a DriverError', async () => {
    await launch();
    fleet.cloud.meet = () => {
      throw new Error('the driver broke');
    };
    await expect(poll()).rejects.toThrow('the driver broke');
    expect(delayOfNext()).toBe(5_000);
    fleet.cloud.meet = () => {};
    await fleet.until(() => fleet.outcomes.size > 0);
  });

  it('if the worker dies at any step of a poll, later polls complete the task once and give the slot back', async () => {
    for (let at = 1; at <= 14; at += 1) {
      fleet.end();
      fleet = await OneFleet.open();
      fleet.cloud.bootMs = 500;
      await launch();
      await fleet.deliverNext(fleet.makeWorker({ at, does: 'die' }));
      await fleet.until(async () => fleet.outcomes.size > 0 && (await fleet.holders()).length === 0);
      expect([...fleet.outcomes]).toEqual([['await', 'Settled']]);
      expect(await fleet.counts()).toEqual({ Running: 1 });
    }
  });
});

describe('a poll whose list is empty', () => {
  beforeEach(async () => {
    await launchAndRun();
    fleet.cloud.vanish(fleet.cloud.made[0]);
  });

  it('one empty list closes no record, and the next poll comes in a second', async () => {
    await poll();
    expect(await fleet.record()).toMatchObject({ status: 'Running' });
    expect(fleet.history).toEqual(['list east', 'send poll']);
    expect(delayOfNext()).toBe(1_000);
  });

  it('a second empty list in the very next poll closes the record of a machine that vanished', async () => {
    await poll();
    await poll();
    expect(await fleet.record()).toMatchObject({ status: 'Terminated', failure: { code: 'Vanished' } });
  });

  it('a second empty list closes no record if a list in between showed the machine', async () => {
    const [machine] = fleet.cloud.made;
    await poll();
    delete machine?.endedAtMs;
    await poll();
    fleet.cloud.vanish(machine);
    await poll();
    expect(await fleet.record()).toMatchObject({ status: 'Running' });
  });

  it('an empty list still counts as the first of two if the list call of the next poll gets no permit', async () => {
    await poll();
    refuseLists('NoPermit', { retryAfterMs: 1_000 });
    await poll();
    expect(await fleet.record()).toMatchObject({ status: 'Running' });
    fleet.cloud.meet = () => {};
    await poll();
    expect(await fleet.record()).toMatchObject({ status: 'Terminated' });
  });
});

describe('an empty list before a list that fails', () => {
  it.each(['Unavailable', 'InvalidRequest', 'Throttled'] as const)(
    'one empty list after a list call that failed with %s closes no record, even if the last list before the failure was empty',
    async (code) => {
      await launchAndRun();
      // The cloud refuses removals, so the machine still exists although no list shows it.
      const meet = (isListFailing: boolean) => (call: string) => {
        if (call.startsWith('terminate')) throw new DriverError('Unavailable', 'no removal');
        if (isListFailing && call.startsWith('list')) throw new DriverError(code, 'no list');
      };
      fleet.putRecord({ ...(await fleet.claimed()), status: 'Terminating' });
      fleet.cloud.hidden.add('m1');
      fleet.cloud.meet = meet(false);
      await poll();
      fleet.cloud.meet = meet(true);
      await poll();
      fleet.nowMs += 61_000;
      fleet.cloud.meet = meet(false);
      await poll();
      expect(await fleet.record()).toMatchObject({ status: 'Terminating' });
      expect(fleet.cloud.standing).toHaveLength(1);
    },
  );
});

describe('an empty list before a restart of the poll loop', () => {
  it('a poll closes a record if the list was empty before a restart of the poll loop and is empty after the restart', async () => {
    await launchAndRun();
    fleet.cloud.vanish(fleet.cloud.made[0]);
    await poll();
    // Another worker, whose clock is fast, finds the next poll overdue and restarts the loop.
    fleet.queue = [];
    fleet.nowMs += 32_000;
    const generation = await startLoop(fleet.store, LOOP, fleet.nowMs);
    if (generation === undefined) throw new Error('the overdue loop was not restarted');
    await fleet.handle({ kind: 'poll', ...EAST, generation });
    expect(await fleet.record()).toMatchObject({ status: 'Terminated', failure: { code: 'Vanished' } });
  });
});

describe('a poll whose list fails', () => {
  it.each([
    ['Unauthorized', {}, 60_000],
    ['Throttled', { retryAfterMs: 17_000 }, 17_000],
    ['InvalidRequest', {}, 10_000],
  ] as const)(
    'if the list call fails with %s %j, the poll changes no record, and the next poll comes in %i ms',
    async (code, detail, waitMs) => {
      await launch();
      const record = await fleet.record();
      refuseLists(code, detail);
      await poll();
      expect(delayOfNext()).toBe(waitMs);
      expect(await fleet.record()).toEqual(record);
    },
  );

  it('a poll whose list call fails ends an instance past its time limit, and removes no machine', async () => {
    await launch();
    fleet.nowMs = (await fleet.claimed()).deadlineAtMs;
    refuseLists('InvalidRequest');
    await poll();
    expect(await fleet.record()).toMatchObject({ status: 'Terminating', closeAs: 'Failed' });
    expect([...fleet.outcomes]).toEqual([['await', 'Settled']]);
    expect(fleet.cloud.standing).toHaveLength(1);
  });

  it('after an Unavailable list call, polls read machines one by one and make no list call for a minute', async () => {
    await launch();
    fleet.nowMs += 20_000;
    refuseLists('Unavailable');
    await poll();
    expect(fleet.history).toContain('get m1');
    expect([...fleet.outcomes]).toEqual([['await', 'Settled']]);
    await fleet.handle(launchOf(0));
    fleet.cloud.meet = () => {};
    await poll();
    expect(lists()).toHaveLength(1);
    fleet.nowMs += 60_000;
    await poll();
    expect(lists()).toHaveLength(2);
  });

  it('a poll whose list call fails once more reads each machine only once', async () => {
    await launch();
    refuseLists('Unavailable');
    await poll();
    for (const minutes of [1, 2]) {
      fleet.nowMs += minutes * 61_000;
      fleet.history.length = 0;
      await poll();
      expect(fleet.history.filter((one) => /^(list|get)/.test(one)).toSorted()).toEqual([
        'get m1',
        'list east',
      ]);
    }
  });

  it('if the reads of single machines get no permit after a failed list call, the next poll comes in a second', async () => {
    await launch();
    fleet.cloud.meet = (call) => {
      if (call.startsWith('list')) throw new DriverError('Unavailable', 'no list');
      if (call.startsWith('get')) throw new DriverError('NoPermit', 'later');
    };
    await poll();
    expect(delayOfNext()).toBe(1_000);
    fleet.history.length = 0;
    await poll();
    expect(lists()).toEqual([]);
    expect(delayOfNext()).toBe(1_000);
  });

  it('a poll whose list call fails grants free slots to queued launches', async () => {
    fleet.end();
    fleet = await OneFleet.open({ size: 2, limits: { concurrentInstancesPerLocation: 1 } });
    await fleet.handle(launchOf(0));
    await fleet.handle(launchOf(1));
    fleet.nowMs = NOON + 10_000;
    await releaseSlots(fleet.store, EAST, [{ instanceId: (await fleet.claimed(0)).instanceId }]);
    refuseLists('InvalidRequest');
    await poll();
    expect(fleet.sent('launch').map(({ index }) => index)).toEqual([1]);
    expect(await fleet.holders()).toEqual([1]);
  });

  it('a poll whose credential is refused grants no free slot, and its queued launches stay queued', async () => {
    fleet.end();
    fleet = await OneFleet.open({ size: 2, limits: { concurrentInstancesPerLocation: 1 } });
    await fleet.handle(launchOf(0));
    await fleet.handle(launchOf(1));
    fleet.nowMs = NOON + 10_000;
    await releaseSlots(fleet.store, EAST, [{ instanceId: (await fleet.claimed(0)).instanceId }]);
    refuseLists('Unauthorized');
    await poll();
    expect(fleet.sent('launch')).toEqual([]);
    expect(await fleet.holders()).toEqual([]);
    expect(delayOfNext()).toBe(60_000);
  });

  it('if the list call gets no permit, the next poll comes when a permit may be available', async () => {
    await launch();
    refuseLists('NoPermit', { retryAfterMs: 3_000 });
    await poll();
    expect(delayOfNext()).toBe(3_000);
  });
});

describe('pollSite', () => {
  it('a poll message that was sent before a restart of the poll loop is dropped', async () => {
    await launch();
    const [message] = fleet.sent('poll');
    if (!message) throw new Error('the launch did not start the poll loop');
    const taken = await takePoll(fleet.store, LOOP, message.generation);
    if (taken) await endLoop(fleet.store, LOOP, taken, false);
    await startLoop(fleet.store, LOOP, fleet.nowMs);
    await fleet.run(fleet.worker, () => pollSite(fleet.worker.context, message));
    expect(lists()).toEqual([]);
  });
});
