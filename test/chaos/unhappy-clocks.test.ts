import { describe, expect, it } from 'vitest';
import { faultSchema } from '../../local/sim/engine/faults.ts';
import { CALM } from './ground/disturbance.ts';
import { calmScenario, fleetAt } from './scenario/calm.ts';
import { runScenario } from './scenario/run.ts';

const SIZE = 8;
/** Allows a long time: virtual hours take seconds of real time, and more on a busy machine. */
const PATIENT = { timeout: 60_000 };
const MINUTE_MS = 60_000;
const BOTH = ['sim-aws', 'sim-gcp'];

describe('clock skew between workers', PATIENT, () => {
  /**
   * Returns a scenario with clock skew.
   *
   * @param minutes difference between the fastest and the slowest clock
   */
  const skewed = (seed: number, minutes: number) => {
    const fleet = (name: string, deleteAtMs: number[]) => {
      const request = fleetAt(BOTH, SIZE, {
        name,
        failurePolicy: deleteAtMs.length > 0 ? 'rollback' : 'continue',
      });
      return { request, createAtMs: 1_000, deleteAtMs, actions: [] };
    };
    // Each clock is fast or slow by at most half of that difference.
    return calmScenario({
      seed,
      skewMs: (minutes / 2) * MINUTE_MS,
      fleets: [fleet('kept', []), fleet('gone', [20_000])],
    });
  };

  it.each([1, 2, 3])('a clock skew of four minutes changes no outcome (seed %i)', async (seed) => {
    const { violations, outcomes, instances } = await runScenario(skewed(seed, 4), false);
    expect(violations).toEqual([]);
    expect(outcomes).toEqual({ Running: 1, Terminated: 1 });
    expect(instances).toBeGreaterThanOrEqual(2 * SIZE);
  });

  // Workers with fast clocks delay workers with slow clocks, some beyond the time limit of the instances.
  // PartiallyRunning is therefore allowed.
  it.each([1, 2, 3])(
    'a clock skew of ten minutes with killed workers and lost replies breaks no invariant (seed %i)',
    async (seed) => {
      const lossy = ['loseReplyAfterEffect', 'loseReplyBeforeEffect', 'duplicateEffect'] as const;
      const { violations, outcomes, counts } = await runScenario(
        {
          ...skewed(seed, 10),
          troubleMs: 30 * MINUTE_MS,
          disturbance: { ...CALM, kill: 0.002, duplicate: 0.05 },
          cloudFaults: lossy.map((kind) => faultSchema.parse({ kind, call: 'create', probability: 0.1 })),
        },
        false,
      );
      expect(violations).toEqual([]);
      const { Running = 0, PartiallyRunning = 0, ...others } = outcomes;
      expect([Running + PartiallyRunning, others]).toEqual([1, { Terminated: 1 }]);
      expect(counts.crashes).toBeGreaterThan(1);
      expect(counts.cloudFaults).toBeGreaterThan(1);
    },
  );
});
