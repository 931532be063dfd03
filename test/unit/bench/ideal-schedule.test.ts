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

/** One cloud; each location is a list of how long its instances hold their slots. */
function ideal(limits: Partial<CreateLimits>, ...locations: number[][]): number {
  const asked = locations.map((durations, at) => ({
    location: `l${at}`,
    instances: durations.map((seconds) => ({ submitSeconds: seconds / 4, bootSeconds: (seconds * 3) / 4 })),
  }));
  return idealSchedule([{ cloud: 'c', limits: { ...WIDE, ...limits }, locations: asked }]).idealSeconds;
}

describe('by hand', () => {
  test('nothing asked takes no time', () => {
    expect(idealSchedule([]).idealSeconds).toBe(0);
    expect(ideal({}, [])).toBe(0);
  });

  test('without limits, the slowest instance decides', () => {
    expect(ideal({}, [3, 9, 5], [7])).toBeCloseTo(9);
  });

  test('two slots, three instances of 10 s: the third starts when one of them runs', () => {
    expect(ideal({ instanceSlotsPerLocation: 2 }, [10, 10, 10])).toBeCloseTo(20);
    // Slots: 0–4 and 4–10 in one, 0–10 in the other; the fourth starts at 10.
    expect(ideal({ instanceSlotsPerLocation: 2 }, [4, 10, 6, 1])).toBeCloseTo(11);
  });

  test('burst 3, then 2 a second: five instances of 10 s start at 0, 0, 0, 0.5 and 1', () => {
    expect(ideal({ createsPerSecond: 2, createBurst: 3 }, [10, 10, 10, 10, 10])).toBeCloseTo(11);
  });

  test('tokens gather up to the burst, not beyond', () => {
    // One slot, 2 tokens at most, 1 each 10 s. Starts: 0 (1 left), 4 (1.4 - 1 = 0.4 left), then the token at 10 (0.4 + 0.6).
    expect(
      ideal({ instanceSlotsPerLocation: 1, createsPerSecond: 0.1, createBurst: 2 }, [4, 4, 4]),
    ).toBeCloseTo(14);
    // After 100 s in the first slot the bucket holds 2 and not 11: 100, 100, and the next when a token comes, at 110.
    expect(ideal({ locationSlots: 1, createsPerSecond: 0.1, createBurst: 2 }, [100], [1, 1, 1])).toBeCloseTo(
      111,
    );
  });

  test('one location slot: the second location waits for the first', () => {
    expect(ideal({ locationSlots: 1 }, [5], [5])).toBeCloseTo(10);
    expect(ideal({ locationSlots: 1, instanceSlotsPerLocation: 1 }, [4, 4], [3])).toBeCloseTo(11);
  });

  test('a location that waits for a token holds no location slot', () => {
    // First location: 0–4, its next token comes at 10. The second runs 4–7 meanwhile.
    const limits = { locationSlots: 1, instanceSlotsPerLocation: 1, createsPerSecond: 0.1, createBurst: 1 };
    expect(ideal(limits, [4, 4], [3])).toBeCloseTo(14);
  });

  test('clouds do not wait for each other', () => {
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

test('never beats what slots and tokens allow, never takes longer than one after another', () => {
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

test('the yardstick and the simulated clouds go by the same figures', () => {
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
