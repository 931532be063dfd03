import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CreateLimits, idealSchedule } from '../../../bench/ideal/ideal-schedule.ts';
import { SIMULATED_LIMITS } from '../../../bench/ideal/limits.ts';
import { loadSimConfig } from '../../../local/sim/engine/config.ts';

const WIDE: CreateLimits = {
  locationSlots: 100,
  instanceSlotsPerLocation: 100,
  createsPerSecond: 1_000,
  createBurst: 1_000,
};

/**
 * Returns the ideal time in seconds: the time until all instances of one cloud run under a scheduler without
 * overhead.
 *
 * @param locations for each location, the seconds for which each of its instances uses a slot
 */
function ideal(limits: Partial<CreateLimits>, ...locations: number[][]): number {
  const asked = locations.map((durations, at) => ({
    location: `l${at}`,
    instances: durations.map((seconds) => ({ submitSeconds: seconds / 4, bootSeconds: (seconds * 3) / 4 })),
  }));
  return idealSchedule([{ cloud: 'c', limits: { ...WIDE, ...limits }, locations: asked }]).idealSeconds;
}

describe('idealSchedule', () => {
  test('the ideal time of no instances is zero seconds', () => {
    expect(idealSchedule([]).idealSeconds).toBe(0);
    expect(ideal({}, [])).toBe(0);
  });

  test('if no limit delays an instance, the ideal time is the time of the slowest instance', () => {
    expect(ideal({}, [3, 9, 5], [7])).toBeCloseTo(9);
  });

  test('an instance starts when one of the slots of its location is free', () => {
    expect(ideal({ instanceSlotsPerLocation: 2 }, [10, 10, 10])).toBeCloseTo(20);
    // One slot is in use from second 0 to 4 and from 4 to 10, the other slot from 0 to 10. The fourth
    // instance starts at second 10.
    expect(ideal({ instanceSlotsPerLocation: 2 }, [4, 10, 6, 1])).toBeCloseTo(11);
  });

  test('instances beyond the burst start at the create rate', () => {
    // Three instances start at second 0, one at 0.5 and one at 1.
    expect(ideal({ createsPerSecond: 2, createBurst: 3 }, [10, 10, 10, 10, 10])).toBeCloseTo(11);
  });

  test('unused tokens of the create rate accumulate up to the burst', () => {
    // There is one slot. At most 2 tokens accumulate, and a new token comes every 10 s. The instances start
    // at second 0 (1 token is left), at 4 (1 + 0.4 - 1 = 0.4 tokens are left) and at 10 (0.4 + 0.6 = 1
    // token).
    expect(
      ideal({ instanceSlotsPerLocation: 1, createsPerSecond: 0.1, createBurst: 2 }, [4, 4, 4]),
    ).toBeCloseTo(14);
    // After 100 s there are 2 tokens and not 11. Two of the last three instances start at second 100, and one
    // at 110, when there is a new token.
    expect(ideal({ locationSlots: 1, createsPerSecond: 0.1, createBurst: 2 }, [100], [1, 1, 1])).toBeCloseTo(
      111,
    );
  });

  test('a location waits until a location slot is free', () => {
    expect(ideal({ locationSlots: 1 }, [5], [5])).toBeCloseTo(10);
    expect(ideal({ locationSlots: 1, instanceSlotsPerLocation: 1 }, [4, 4], [3])).toBeCloseTo(11);
  });

  test('a location that waits for a token of the create rate uses no location slot', () => {
    // The first location is busy from second 0 to 4 and gets its next token at 10. The second location is
    // busy from second 4 to 7.
    const limits = { locationSlots: 1, instanceSlotsPerLocation: 1, createsPerSecond: 0.1, createBurst: 1 };
    expect(ideal(limits, [4, 4], [3])).toBeCloseTo(14);
  });

  test('the ideal time of several clouds is that of the slowest cloud, because clouds do not wait for each other', () => {
    const one = { cloud: 'a', limits: { ...WIDE, locationSlots: 1 }, locations: [] };
    const location = (seconds: number) => ({
      location: 'l',
      instances: [{ submitSeconds: 1, bootSeconds: seconds - 1 }],
    });
    const result = idealSchedule([
      { ...one, locations: [location(5)] },
      { ...one, cloud: 'b', locations: [location(8)] },
    ]);
    expect(result).toEqual({
      idealSeconds: 8,
      clouds: [
        { cloud: 'a', idealSeconds: 5 },
        { cloud: 'b', idealSeconds: 8 },
      ],
    });
  });
});

test('the ideal time is at least the lower bound from slots and create rate, and at most the time of running one instance after another', () => {
  const durations = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 30 });
  const limits = fc.record({
    instanceSlotsPerLocation: fc.integer({ min: 1, max: 8 }),
    createsPerSecond: fc.integer({ min: 1, max: 5 }),
    createBurst: fc.integer({ min: 1, max: 10 }),
  });
  fc.assert(
    fc.property(durations, limits, (asked, allowed) => {
      const seconds = ideal(allowed, asked);
      const total = asked.reduce((sum, one) => sum + one, 0);
      const lastTokenAt = Math.max(0, asked.length - allowed.createBurst) / allowed.createsPerSecond;
      const atLeast = Math.max(
        ...asked,
        total / allowed.instanceSlotsPerLocation,
        lastTokenAt + (asked.at(-1) ?? 0),
      );
      expect(seconds).toBeGreaterThanOrEqual(atLeast - 1e-6);
      expect(seconds).toBeLessThanOrEqual(total + lastTokenAt + 1e-6);
    }),
  );
});

test('the limits of the ideal schedule equal those of the simulated clouds', () => {
  const enforced = Object.entries(loadSimConfig().clouds).map(([cloud, { slots, rates }]) => [
    cloud,
    {
      locationSlots: slots.locations,
      instanceSlotsPerLocation: slots.instancesPerLocation,
      createsPerSecond: rates.create.perSecond,
      createBurst: rates.create.burst,
    },
  ]);
  expect(SIMULATED_LIMITS).toEqual(Object.fromEntries(enforced));
});
