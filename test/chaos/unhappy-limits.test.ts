import { describe, expect, it } from 'vitest';
import type { Fleet } from '../../functions/model/fleet.ts';
import type { LimitOverride } from '../../functions/model/limit-profile.ts';
import { calmScenario, fleetAt } from './scenario/calm.ts';
import { setLocation } from './scenario/incidents.ts';
import { runScenario, type Story } from './scenario/run.ts';
import type { Scenario } from './scenario/scenario.ts';
import type { Stage } from './scenario/stage.ts';

/** Days go by in seconds, but on a busy machine those are long. */
const PATIENT = { timeout: 120_000 };
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;
const AWS = ['sim-aws'];
const EAST = { locations: ['east-1'] };
const SLOTS = 6;

const isUp = ({ status }: Fleet) => status === 'Running';
const isSettled = ({ status }: Fleet) => !['Preparing', 'Creating'].includes(status);
const isGone = ({ status }: Fleet) => status === 'Terminated';
const isUnderWay = ({ counts }: Fleet) => (counts.Running ?? 0) > 2;
const nowOf = ({ lab }: Stage) => lab.ground.now();
const inLine = ({ lab }: Stage) =>
  lab.tables.governor.all().filter(({ sk }) => String(sk).startsWith('ROW#')).length;
const failureCodes = ({ failures }: Fleet) => failures.map(({ code }) => code);

async function expectAfter(story: Story, outcomes: Record<string, number>, scenario = calmScenario()) {
  const result = await runScenario(scenario, false, story);
  expect(result.violations).toEqual([]);
  expect(result.outcomes).toEqual(outcomes);
}

/** One connection at one cloud, whose owner says this of it. */
function limited(limits: LimitOverride, traits: Parameters<typeof calmScenario>[1] = {}): Scenario {
  return calmScenario({ connections: [{ name: 'sim-aws', cloud: 'aws', limits }] }, traits);
}

/** The most of these moments that lie within so long. */
function mostWithin(momentsMs: readonly number[], spanMs: number): number {
  const counts = momentsMs.map((from) => momentsMs.filter((at) => at >= from && at < from + spanMs).length);
  return Math.max(0, ...counts);
}

describe('two fleets that want the same place', PATIENT, () => {
  it('take turns: a small one does not stand behind all of a large one', async () => {
    await expectAfter(
      async (stage) => {
        const large = await stage.create(fleetAt(AWS, 100, { ...EAST, name: 'large' }));
        await stage.until(large.id, isUnderWay);
        const small = await stage.create(fleetAt(AWS, SLOTS, { ...EAST, name: 'small' }));
        await stage.until(small.id, isUp);
        const { counts } = await stage.read(large.id);
        // Behind those that stood in line when it came, each in turn with one of the large fleet.
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

describe('a fleet whose launches stand in line', PATIENT, () => {
  it.each(['abort', 'delete'] as const)('and that is ended by %s hears of it within seconds', async (how) => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, 30, EAST));
        await stage.until(id, isUnderWay);
        expect(inLine(stage)).toBeGreaterThan(0);
        const endedAtMs = nowOf(stage);
        if (how === 'abort') await stage.act(id, 'abort');
        else await stage.remove(id);
        // A roll call each five seconds, a message, and its answer.
        await stage.pass(0.2);
        expect(inLine(stage)).toBe(0);
        const { counts } = await stage.read(id);
        expect(counts.Creating ?? 0).toBeLessThanOrEqual(SLOTS);
        await stage.until(id, how === 'abort' ? isSettled : isGone);
        expect(stage.creates(endedAtMs + SECOND)).toEqual([]);
      },
      how === 'abort' ? { PartiallyRunning: 1 } : { Terminated: 1 },
    );
  });
});

describe('a cloud that has no capacity left at a location', PATIENT, () => {
  it('is asked for one instance at a time, by those that can go nowhere else', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, 30, EAST));
        await stage.until(id, isUnderWay);
        const emptyAtMs = nowOf(stage);
        const refill = stage.addFault({ kind: 'capacity', location: 'east-1' });
        expect(failureCodes(await stage.until(id, isSettled))).toEqual(['InsufficientCapacity']);
        // What was on its way when the first was refused, and then each after the answer to the one before.
        const asked = stage.creates(emptyAtMs).slice(SLOTS);
        expect(asked.length).toBeGreaterThan(SLOTS);
        expect(mostWithin(asked, 50)).toBe(1);
        refill();
        const again = nowOf(stage);
        await stage.act(id, 'retry');
        await stage.until(id, isUp);
        expect(mostWithin(stage.creates(again), 50)).toBeGreaterThan(1);
      },
      { Running: 1 },
    );
  });

  it('is left at once by those that can go elsewhere', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, 60));
        await stage.until(id, isUnderWay);
        const emptyAtMs = nowOf(stage);
        stage.addFault({ kind: 'capacity', location: 'east-1' });
        await stage.until(id, isUp);
        expect(stage.creates(emptyAtMs, 'east-1').length).toBeLessThanOrEqual(SLOTS);
        expect(stage.creates(emptyAtMs, 'west-1').length).toBeGreaterThan(20);
      },
      { Running: 1 },
    );
  });
});

describe('a quota that is used up', PATIENT, () => {
  const QUOTA = 10;
  const tight = () => limited({}, { instanceQuota: QUOTA });

  it('ends calls, and a retry after it was raised brings the rest', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, 30, EAST));
        const settled = await stage.until(id, isSettled);
        expect([settled.counts.Running, failureCodes(settled)]).toEqual([QUOTA, ['QuotaExceeded']]);
        expect(stage.creates().length).toBeLessThanOrEqual(QUOTA + SLOTS);
        const { aws } = stage.lab.clouds.engine.world.config.clouds;
        if (aws) aws.instanceQuota = 100;
        const raisedAtMs = nowOf(stage);
        await stage.act(id, 'retry');
        await stage.until(id, isUp);
        expect(stage.creates(raisedAtMs)).toHaveLength(30 - QUOTA);
      },
      { Running: 1 },
      tight(),
    );
  });

  it('costs one call more where it was not raised', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, 30, EAST));
        await stage.until(id, isSettled);
        const triedAtMs = nowOf(stage);
        await stage.act(id, 'retry');
        await stage.until(id, ({ status }) => status === 'Creating');
        await stage.until(id, isSettled);
        expect(stage.creates(triedAtMs)).toHaveLength(1);
      },
      { PartiallyRunning: 1 },
      tight(),
    );
  });

  it('is asked again when instances are gone', async () => {
    await expectAfter(
      async (stage) => {
        const first = await stage.create(fleetAt(AWS, QUOTA, { ...EAST, name: 'first' }));
        await stage.until(first.id, isUp);
        const second = await stage.create(fleetAt(AWS, SLOTS, { ...EAST, name: 'second' }));
        await stage.until(second.id, isSettled);
        await stage.remove(first.id);
        await stage.until(first.id, isGone);
        const third = await stage.create(fleetAt(AWS, QUOTA, { ...EAST, name: 'third' }));
        await stage.until(third.id, isUp);
      },
      { Failed: 1, Terminated: 1, Running: 1 },
      tight(),
    );
  });
});

describe('a location that is down in mid-flight', PATIENT, () => {
  const DOWN_MINUTES = 4;
  /** So few calls a second that slots stay free: some are asked for at any time. */
  const ROOMY = {
    slots: { locations: 2, instancesPerLocation: 30 },
    rates: {
      create: { perSecond: 1, burst: 2 },
      list: { perSecond: 5, burst: 10 },
      mutate: { perSecond: 10, burst: 20 },
    },
  };

  it('is probed, while what was to run there goes elsewhere', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, 100));
        await stage.until(id, isUnderWay);
        const downAtMs = nowOf(stage);
        setLocation(stage.lab, 'aws', 'east-1', false);
        await stage.pass(DOWN_MINUTES);
        const upAtMs = nowOf(stage);
        const probes = stage.creates(downAtMs, 'east-1');
        // Those on their way then, five refusals, and a probe each 2, 4, 8, … 60 s.
        expect(probes.length).toBeLessThan(18);
        expect(
          mostWithin(
            probes.filter((atMs) => atMs > downAtMs + MINUTE),
            20 * SECOND,
          ),
        ).toBeLessThanOrEqual(2);
        // Its own, and nearly all of the other's.
        expect(stage.creates(downAtMs, 'west-1').length).toBeGreaterThan(70);
        setLocation(stage.lab, 'aws', 'east-1', true);
        await stage.until(id, isUp);
        expect(nowOf(stage) - upAtMs).toBeLessThan(2 * MINUTE);
      },
      { Running: 1 },
      limited({}, ROOMY),
    );
  });

  it('is probed, and all run there when it is back', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, 60, EAST));
        await stage.until(id, isUnderWay);
        const downAtMs = nowOf(stage);
        setLocation(stage.lab, 'aws', 'east-1', false);
        await stage.pass(1);
        // Five refusals, what was on its way, and a probe after 2, 4, 8, 16 and 32 s.
        expect(stage.creates(downAtMs).length).toBeLessThan(15);
        setLocation(stage.lab, 'aws', 'east-1', true);
        const backAtMs = nowOf(stage);
        await stage.until(id, isUp);
        expect(Math.min(...stage.creates(backAtMs)) - backAtMs).toBeLessThan(MINUTE);
      },
      { Running: 1 },
      limited({}, ROOMY),
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

  it('are so many a day: those beyond stand as rows, for days if need be, and the place is at rest', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, 11, EAST));
        await stage.pass(60);
        expect(inLine(stage)).toBe(6);
        const fromMs = nowOf(stage);
        await stage.pass(120);
        // A look a minute, and a sweep an hour.
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

  it('that were refused do not count twice in its totals when they are asked for again', async () => {
    await expectAfter(
      async (stage) => {
        // Longer than what a permit reserved is remembered.
        const mended = stage.addFault({ kind: 'error', call: 'create' });
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
        const throttled = stage.lab.clouds.places.reduce((sum, place) => sum + place.throttled, 0);
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
