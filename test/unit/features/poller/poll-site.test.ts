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

/** Launches the fleet's first instance; its poll is the only message in the queue. */
const launch = async () => {
  await fleet.handle(launchOf(0));
  fleet.history.length = 0;
};
/** Has the instance run for an hour. */
const launchAndRun = async () => {
  await launch();
  await fleet.until(() => fleet.told.size > 0);
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
  it('a site is polled once when the message of a poll is delivered twice', async () => {
    await launch();
    const [message] = fleet.sent('poll');
    if (!message) throw new Error('a launch starts the poll loop');
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

  it('the next poll comes in a second while machines are left to remove', async () => {
    await launch();
    fleet.putRecord({ ...(await fleet.claimed()), status: 'Terminating', closeAs: 'Failed' });
    fleet.nowMs += 60_000;
    fleet.cloud.meet = (call) => {
      if (call.startsWith('terminate')) throw new DriverError('NoPermit', 'later');
    };
    await poll();
    expect(delayOfNext()).toBe(1_000);
  });

  it('the poll loop ends after two polls that find nothing in transition, and is not idle while instances run', async () => {
    await launchAndRun();
    await poll();
    fleet.queue = [];
    await poll();
    expect(fleet.queue).toEqual([]);
    expect(await listLoops(fleet.store, 'sim')).toMatchObject([{ active: false, idle: false }]);
  });

  it('the poll loop of a site without instances and launches ends as idle', async () => {
    await poll();
    await poll();
    expect(fleet.queue.filter(({ message }) => message.kind === 'poll')).toEqual([]);
    expect(await listLoops(fleet.store, 'sim')).toEqual([]);
  });

  it('the poll loop goes on when a launch starts it while its last poll is under way', async () => {
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

  it('the poll loop goes on after a poll that fails with an error other than a DriverError', async () => {
    await launch();
    fleet.cloud.meet = () => {
      throw new Error('the driver broke');
    };
    await expect(poll()).rejects.toThrow('the driver broke');
    expect(delayOfNext()).toBe(5_000);
    fleet.cloud.meet = () => {};
    await fleet.until(() => fleet.told.size > 0);
  });

  it('the poll loop goes on wherever the worker of a poll dies, and leaves one outcome and no slot', async () => {
    for (let at = 1; at <= 14; at += 1) {
      fleet.end();
      fleet = await OneFleet.open();
      fleet.cloud.bootMs = 500;
      await launch();
      await fleet.deliverNext(fleet.makeWorker({ at, does: 'die' }));
      await fleet.until(async () => fleet.told.size > 0 && (await fleet.holders()).length === 0);
      expect([...fleet.told]).toEqual([['token-0', 'Running']]);
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

  it('an empty list is doubted again when a list since the last empty one showed the machine', async () => {
    const [machine] = fleet.cloud.made;
    await poll();
    delete machine?.endedAtMs;
    await poll();
    fleet.cloud.vanish(machine);
    await poll();
    expect(await fleet.record()).toMatchObject({ status: 'Running' });
  });

  it('the doubt about an empty list lasts over a poll whose list gets no permit', async () => {
    await poll();
    refuseLists('NoPermit', { retryAfterMs: 1_000 });
    await poll();
    expect(await fleet.record()).toMatchObject({ status: 'Running' });
    fleet.cloud.meet = () => {};
    await poll();
    expect(await fleet.record()).toMatchObject({ status: 'Terminated' });
  });
});

describe('an empty list before a restart of the poll loop', () => {
  it('the list after a restart, which is empty again, closes the record of a machine that vanished', async () => {
    await launchAndRun();
    fleet.cloud.vanish(fleet.cloud.made[0]);
    await poll();
    // A worker whose clock is fast takes the next poll for overdue.
    fleet.queue = [];
    fleet.nowMs += 32_000;
    const generation = await startLoop(fleet.store, LOOP, fleet.nowMs);
    if (generation === undefined) throw new Error('an overdue loop is restarted');
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
    'a list that fails with %s %j changes no record before its time limit, and the next poll comes in %i ms',
    async (code, detail, waitMs) => {
      await launch();
      const record = await fleet.record();
      refuseLists(code, detail);
      await poll();
      expect(delayOfNext()).toBe(waitMs);
      expect(await fleet.record()).toEqual(record);
    },
  );

  it('a poll without a list ends an instance whose time limit is over, and makes no removal', async () => {
    await launch();
    fleet.nowMs = (await fleet.claimed()).deadlineAtMs;
    refuseLists('InvalidRequest');
    await poll();
    expect(await fleet.record()).toMatchObject({ status: 'Terminating', closeAs: 'Failed' });
    expect([...fleet.told]).toEqual([['token-0', 'Failed']]);
    expect(fleet.cloud.standing).toHaveLength(1);
  });

  it('while the cloud is unavailable, polls read machines one by one and ask for no list within a minute', async () => {
    await launch();
    fleet.nowMs += 20_000;
    refuseLists('Unavailable');
    await poll();
    expect(fleet.history).toContain('get m1');
    expect([...fleet.told]).toEqual([['token-0', 'Running']]);
    await fleet.handle(launchOf(0));
    fleet.cloud.meet = () => {};
    await poll();
    expect(lists()).toHaveLength(1);
    fleet.nowMs += 60_000;
    await poll();
    expect(lists()).toHaveLength(2);
  });

  it('a poll whose list fails grants free slots to queued launches', async () => {
    fleet.end();
    fleet = await OneFleet.open({ size: 2, limits: { concurrentInstancesPerLocation: 1 } });
    await fleet.handle(launchOf(0));
    await fleet.handle(launchOf(1));
    fleet.nowMs = NOON + 10_000;
    await releaseSlots(fleet.store, EAST, [{ instanceId: (await fleet.claimed(0)).instanceId }]);
    refuseLists('Unauthorized');
    await poll();
    expect(fleet.sent('launch').map(({ index }) => index)).toEqual([1]);
    expect(await fleet.holders()).toEqual([1]);
  });

  it('a poll whose list gets no permit comes again when there may be one', async () => {
    await launch();
    refuseLists('NoPermit', { retryAfterMs: 3_000 });
    await poll();
    expect(delayOfNext()).toBe(3_000);
  });
});

describe('pollSite', () => {
  it('a poll is dropped when its loop was restarted since', async () => {
    await launch();
    const [message] = fleet.sent('poll');
    if (!message) throw new Error('a launch starts the poll loop');
    const taken = await takePoll(fleet.store, LOOP, message.generation);
    if (taken) await endLoop(fleet.store, LOOP, taken, false);
    await startLoop(fleet.store, LOOP, fleet.nowMs);
    await fleet.run(fleet.worker, () => pollSite(fleet.worker.context, message));
    expect(lists()).toEqual([]);
  });
});
