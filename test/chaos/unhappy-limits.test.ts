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

describe('two fleets that want the same site', PATIENT, () => {
  it('take turns: a small one does not stand behind all of a large one', async () => {
    await expectAfter(
      async (stage) => {
        const large = await stage.create(fleetAt(AWS, 100, { ...EAST, name: 'large' }));
        await stage.until(large.id, isUnderWay);
        const small = await stage.create(fleetAt(AWS, SLOTS, { ...EAST, name: 'small' }));
        await stage.until(small.id, isUp);
        const { counts } = await stage.read(large.id);
        // Behind those that were queued when it came, each in turn with one of the large fleet.
        expect(counts.Running).toBeLessThan(5 * SLOTS);
        await stage.until(large.id, isUp);
      },
      { Running: 2 },
    );
  });

  it('go by their priorities', async () => {
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
  it.each(['abort', 'delete'] as const)('and that is ended by %s hears of it within seconds', async (how) => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, 30, EAST));
        await stage.until(id, isUnderWay);
        expect(inQueue(stage)).toBeGreaterThan(0);
        const endedAtMs = nowOf(stage);
        if (how === 'abort') await stage.act(id, 'abort');
        else await stage.remove(id);
        // A queue scan each five seconds, a message, and its answer.
        await stage.pass(0.2);
        expect(inQueue(stage)).toBe(0);
        const { counts } = await stage.read(id);
        expect(counts.Creating ?? 0).toBeLessThanOrEqual(SLOTS);
        await stage.until(id, how === 'abort' ? isSettled : isGone);
        expect(stage.creates(endedAtMs + SECOND)).toEqual([]);
      },
      how === 'abort' ? { PartiallyRunning: 1 } : { Terminated: 1 },
    );
  });
});

describe('creates of a connection', PATIENT, () => {
  const wakesOf = ({ lab }: Stage, fromMs: number, toMs: number) =>
    lab.clouds.asked.filter(
      ({ call, location, atMs }) => call === 'list' && location === 'east-1' && atMs >= fromMs && atMs < toMs,
    ).length;

  it('are so many a minute, over all its locations', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, 35));
        await stage.until(id, isUp);
        const creates = stage.creates();
        expect(creates).toHaveLength(35);
        expect(mostWithin(creates, MINUTE)).toBeLessThanOrEqual(10);
        // Four minutes' worth: all are used.
        expect((creates.at(-1) ?? 0) - (creates[0] ?? 0)).toBeLessThan(3.5 * MINUTE);
      },
      { Running: 1 },
      limited({ createsPerMinute: 10 }),
    );
  });

  it('are so many a day: those beyond stay queued, for days if need be, and the site is at rest', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, 11, EAST));
        await stage.pass(60);
        expect(inQueue(stage)).toBe(6);
        const fromMs = nowOf(stage);
        await stage.pass(120);
        // A poll a minute, and a sweep an hour.
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

  it('never make more than its totals, which is said as the reason', async () => {
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

  it('that came to nothing do not count twice in its totals when they are asked for again', async () => {
    await expectAfter(
      async (stage) => {
        // Longer than what a permit reserved is remembered.
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

describe('a cloud that bears less than its profile says', PATIENT, () => {
  it('throttles a few calls, and is asked at its own pace then', async () => {
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
        // A hundred seconds' worth at the cloud's own rate.
        expect((creates.at(-1) ?? 0) - (creates[0] ?? 0)).toBeLessThan(2.5 * 100 * SECOND);
      },
      { Running: 1 },
      scenario,
    );
  });
});

describe('a cloud that wants one instance to run before the others', PATIENT, () => {
  it('gets one, and then all that there is room for at once', async () => {
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
        // The fastest boot.
        expect(second - first).toBeGreaterThan(4 * SECOND);
        expect((others[SLOTS - 3] ?? Infinity) - second).toBeLessThan(2 * SECOND);
      },
      { Running: 1 },
      scenario,
    );
  });
});
