import { describe, expect, it } from 'vitest';
import { fleetAt } from './scenario/calm.ts';
import {
  AWS,
  DAY,
  EAST,
  expectAfter,
  failureCodes,
  inQueue,
  isGone,
  isSettled,
  isUnderWay,
  isUp,
  limited,
  MINUTE,
  mostWithin,
  nowOf,
  PATIENT,
  SECOND,
  SLOTS,
} from './scenario/limited.ts';
import type { Stage } from './scenario/stage.ts';

describe('fleets that share a site', PATIENT, () => {
  it('a small fleet at a site runs before a third of an earlier, large fleet runs', async () => {
    await expectAfter(
      async (stage) => {
        const large = await stage.create(fleetAt(AWS, 100, { ...EAST, name: 'large' }));
        await stage.until(large.id, isUnderWay);
        const small = await stage.create(fleetAt(AWS, SLOTS, { ...EAST, name: 'small' }));
        await stage.until(small.id, isUp);
        const { counts } = await stage.read(large.id);
        // Launches of the two fleets take turns, except for launches that were queued before the small fleet
        // was created.
        expect(counts.Running).toBeLessThan(5 * SLOTS);
        await stage.until(large.id, isUp);
      },
      { Running: 2 },
    );
  });

  it('fleets at one site become Running in the order of their priorities', async () => {
    await expectAfter(
      async (stage) => {
        const first = await stage.create(fleetAt(AWS, 2 * SLOTS, { ...EAST, name: 'first' }));
        await stage.until(first.id, isUnderWay);
        const order: string[] = [];
        await Promise.all(
          (['low', 'normal', 'high'] as const).map(async (priority) => {
            const { id } = await stage.create(fleetAt(AWS, 30, { ...EAST, name: priority, priority }));
            await stage.until(id, isUp);
            order.push(priority);
          }),
        );
        expect(order).toEqual(['high', 'normal', 'low']);
      },
      { Running: 4 },
    );
  });
});

describe('a fleet whose launches are queued', PATIENT, () => {
  it.each(['abort', 'delete'] as const)(
    'the action %s empties the launch queue of its fleet within seconds, and no create follows',
    async (how) => {
      await expectAfter(
        async (stage) => {
          const { id } = await stage.create(fleetAt(AWS, 30, EAST));
          await stage.until(id, isUnderWay);
          expect(inQueue(stage)).toBeGreaterThan(0);
          const endedAtMs = nowOf(stage);
          if (how === 'abort') await stage.act(id, 'abort');
          else await stage.remove(id);
          // Wait for a queue scan (every five seconds), a message, and the answer to the message.
          await stage.pass(0.2);
          expect(inQueue(stage)).toBe(0);
          const { counts } = await stage.read(id);
          expect(counts.Creating ?? 0).toBeLessThanOrEqual(SLOTS);
          await stage.until(id, how === 'abort' ? isSettled : isGone);
          expect(stage.creates(endedAtMs + SECOND)).toEqual([]);
        },
        how === 'abort' ? { PartiallyRunning: 1 } : { Terminated: 1 },
      );
    },
  );
});

describe('budgets of a connection', PATIENT, () => {
  const wakesOf = ({ lab }: Stage, fromMs: number, toMs: number) =>
    lab.clouds.asked.filter(
      ({ call, location, atMs }) => call === 'list' && location === 'east-1' && atMs >= fromMs && atMs < toMs,
    ).length;

  it('a connection makes no more creates a minute than its budget, over all its locations', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, 35));
        await stage.until(id, isUp);
        const creates = stage.creates();
        expect(creates).toHaveLength(35);
        expect(mostWithin(creates, MINUTE)).toBeLessThanOrEqual(10);
        // 35 creates at 10 a minute take this long only if each minute's budget is used completely.
        expect((creates.at(-1) ?? 0) - (creates[0] ?? 0)).toBeLessThan(3.5 * MINUTE);
      },
      { Running: 1 },
      limited({ createsPerMinute: 10 }),
    );
  });

  it('a connection makes no more create calls in a window than its limits allow, over all its locations', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, 25));
        await stage.until(id, isUp);
        const creates = stage.creates();
        expect(creates).toHaveLength(25);
        const windows = Map.groupBy(creates, (atMs) => Math.floor(atMs / MINUTE));
        for (const ofWindow of windows.values()) expect(ofWindow.length).toBeLessThanOrEqual(8);
        expect((creates.at(-1) ?? 0) - (creates[0] ?? 0)).toBeLessThan(3.5 * MINUTE);
      },
      { Running: 1 },
      limited({ connectionCalls: { create: { count: 8, windowSeconds: 60 } } }),
    );
  });

  it('machines of a family of instance types keep its rate, and machines of other types are made meanwhile', async () => {
    await expectAfter(
      async (stage) => {
        const slow = await stage.create(fleetAt(AWS, 5, { ...EAST, name: 'slow', instanceType: 'large' }));
        const fast = await stage.create(fleetAt(AWS, 5, { ...EAST, name: 'fast' }));
        await stage.until(fast.id, isUp);
        const fastAtMs = nowOf(stage);
        await stage.until(slow.id, isUp);
        expect(nowOf(stage) - fastAtMs).toBeGreaterThan(MINUTE);
        expect(nowOf(stage) - fastAtMs).toBeLessThan(3 * MINUTE);
      },
      { Running: 2 },
      limited({ families: { large: { instances: { perSecond: 1 / 30, burst: 1 } } } }),
    );
  });

  it('launches beyond the daily budget of creates stay queued for days, and the site is polled once a minute', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, 11, EAST));
        await stage.pass(60);
        expect(inQueue(stage)).toBe(6);
        const fromMs = nowOf(stage);
        await stage.pass(120);
        // The list calls are one poll a minute and one sweep an hour.
        expect(wakesOf(stage, fromMs, nowOf(stage))).toBeLessThan(120 * 1.1);
        await stage.pass(46 * 60);
        await stage.until(id, isUp);
        const { startMs } = stage.lab.ground;
        const byDay = Map.groupBy(stage.creates(), (atMs) => Math.floor((atMs - startMs) / DAY));
        expect([...byDay.values()].map((ofDay) => ofDay.length)).toEqual([5, 5, 1]);
      },
      { Running: 1 },
      { ...limited({ createsPerDay: 5 }), sweepIntervalMs: 60 * MINUTE },
    );
  });

  it('launches beyond the total of a connection fail with LimitReached, and a retry succeeds after another fleet was removed', async () => {
    await expectAfter(
      async (stage) => {
        const first = await stage.create(fleetAt(AWS, 4, { name: 'first' }));
        await stage.until(first.id, isUp);
        const { id } = await stage.create(fleetAt(AWS, 6));
        const settled = await stage.until(id, isSettled);
        expect(failureCodes(settled)).toEqual(['LimitReached']);
        expect(stage.creates()).toHaveLength(7);
        await stage.remove(first.id);
        await stage.until(first.id, isGone);
        await stage.act(id, 'retry');
        await stage.until(id, isUp);
      },
      { Running: 1, Terminated: 1 },
      limited({ totals: { instances: 7 } }),
    );
  });

  it("a launch is counted only once in its connection's total, even if some of its creates had no effect", async () => {
    await expectAfter(
      async (stage) => {
        // The fault lasts longer than the time for which the total counts an unused permit as reserved.
        const mended = stage.addFault({ kind: 'loseReplyBeforeEffect', call: 'create' });
        const { id } = await stage.create(fleetAt(AWS, 1, EAST));
        await stage.pass(1.5);
        mended();
        expect(failureCodes(await stage.until(id, isUp))).toEqual([]);
      },
      { Running: 1 },
      limited({ totals: { instances: 1 } }),
    );
  });
});

describe('a cloud with a lower rate than its limit profile', PATIENT, () => {
  it("a cloud throttles under 5 % of the creates, and further creates are sent at the cloud's own rate", async () => {
    const limits = { calls: { create: { perSecond: 4, burst: 8 } } };
    const scenario = limited(limits, {
      slots: { locations: 2, instancesPerLocation: 40 },
      rates: {
        create: { perSecond: 2, burst: 8 },
        list: { perSecond: 5, burst: 10 },
        mutate: { perSecond: 10, burst: 20 },
      },
    });
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, 200, EAST));
        await stage.until(id, isUp);
        const creates = stage.creates();
        const throttled = stage.lab.clouds.sites.reduce((sum, site) => sum + site.throttled, 0);
        expect(throttled).toBeGreaterThan(0);
        expect(throttled).toBeLessThan(0.05 * creates.length);
        // At the cloud's own rate, 200 creates take 100 seconds.
        expect((creates.at(-1) ?? 0) - (creates[0] ?? 0)).toBeLessThan(2.5 * 100 * SECOND);
      },
      { Running: 1 },
      scenario,
    );
  });
});

describe('pacing all-at-once', PATIENT, () => {
  it('a connection with pacing `all-at-once` creates one instance first, and fills the slots when that instance runs', async () => {
    const scenario = limited(
      { pacing: 'all-at-once' },
      {
        rates: {
          create: { perSecond: 100, burst: 100 },
          list: { perSecond: 5, burst: 10 },
          mutate: { perSecond: 10, burst: 20 },
        },
      },
    );
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, 2 * SLOTS, EAST));
        await stage.until(id, isUp);
        const [first = 0, second = 0, ...others] = stage.creates();
        // No machine boots in less time.
        expect(second - first).toBeGreaterThan(4 * SECOND);
        expect((others[SLOTS - 3] ?? Infinity) - second).toBeLessThan(2 * SECOND);
      },
      { Running: 1 },
      scenario,
    );
  });
});
