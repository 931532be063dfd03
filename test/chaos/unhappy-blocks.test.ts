import { describe, expect, it } from 'vitest';
import { fleetAt } from './scenario/calm.ts';
import { setLocation } from './scenario/incidents.ts';
import {
  AWS,
  EAST,
  expectAfter,
  failureCodes,
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

describe('a cloud that has no capacity left at a location', PATIENT, () => {
  it('launches that have no other location probe a site without capacity with one create call at a time', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, 30, EAST));
        await stage.until(id, isUnderWay);
        const emptyAtMs = nowOf(stage);
        const refill = stage.addFault({ kind: 'capacity', location: 'east-1' });
        expect(failureCodes(await stage.until(id, isSettled))).toEqual(['InsufficientCapacity']);
        // Skip the creates that were in flight at the first refusal. Each later create follows the answer to
        // the previous one.
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

  it('launches that have another location leave a site without capacity immediately', async () => {
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

  it('a used-up quota stops create calls, and a retry after it was raised launches the rest', async () => {
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

  it('a retry of a fleet makes only one create call if its used-up quota was not raised', async () => {
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

  it('a new fleet runs at a site after the removal of another fleet freed its used-up quota', async () => {
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

describe('a location that goes down during launches', PATIENT, () => {
  const DOWN_MINUTES = 4;
  /**
   * Allows many slots but a low create rate. Some slots are always free, and launches are always in progress.
   */
  const ROOMY = {
    slots: { locations: 2, instancesPerLocation: 30 },
    rates: {
      create: { perSecond: 1, burst: 2 },
      list: { perSecond: 5, burst: 10 },
      mutate: { perSecond: 10, burst: 20 },
    },
  };

  it('a location that is down gets few probes, while its launches go to another location', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, 100));
        await stage.until(id, isUnderWay);
        const downAtMs = nowOf(stage);
        setLocation(stage.lab, 'aws', 'east-1', false);
        await stage.pass(DOWN_MINUTES);
        const upAtMs = nowOf(stage);
        const probes = stage.creates(downAtMs, 'east-1');
        // The creates in flight, five refusals, and a probe after 2, 4, 8, … 60 s.
        expect(probes.length).toBeLessThan(18);
        expect(
          mostWithin(
            probes.filter((atMs) => atMs > downAtMs + MINUTE),
            20 * SECOND,
          ),
        ).toBeLessThanOrEqual(2);
        // The cloud got the creates of west-1 and nearly all creates of east-1, which is down.
        expect(stage.creates(downAtMs, 'west-1').length).toBeGreaterThan(70);
        setLocation(stage.lab, 'aws', 'east-1', true);
        await stage.until(id, isUp);
        expect(nowOf(stage) - upAtMs).toBeLessThan(2 * MINUTE);
      },
      { Running: 1 },
      limited({}, ROOMY),
    );
  });

  it('launches whose only location is down probe that location, and all run when the location is up again', async () => {
    await expectAfter(
      async (stage) => {
        const { id } = await stage.create(fleetAt(AWS, 60, EAST));
        await stage.until(id, isUnderWay);
        const downAtMs = nowOf(stage);
        setLocation(stage.lab, 'aws', 'east-1', false);
        await stage.pass(1);
        // Five refusals, the creates in flight, and a probe after 2, 4, 8, 16 and 32 s.
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
