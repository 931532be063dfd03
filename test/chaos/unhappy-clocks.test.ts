import { describe, expect, it } from 'vitest';
import { faultSchema } from '../../local/sim/engine/faults.ts';
import { CALM } from './ground/disturbance.ts';
import { calmScenario, fleetAt } from './scenario/calm.ts';
import { runScenario } from './scenario/run.ts';

const SIZE = 8;
/** Hours go by in seconds, but on a busy machine those are long. */
const PATIENT = { timeout: 60_000 };
const MINUTE_MS = 60_000;
const BOTH = ['sim-aws', 'sim-gcp'];

describe('clock skew between workers', PATIENT, () => {
  /** @param minutes by which the one that is most ahead and the one that is most behind are apart */
  const skewed = (seed: number, minutes: number) => {
    const fleet = (name: string, deleteAtMs: number[]) => {
      const request = fleetAt(BOTH, SIZE, {
        name,
        failurePolicy: deleteAtMs.length > 0 ? 'rollback' : 'continue',
      });
      return { request, createAtMs: 1_000, deleteAtMs, actions: [] };
    };
    // Either way.
    return calmScenario({
      seed,
      skewMs: (minutes / 2) * MINUTE_MS,
      fleets: [fleet('kept', []), fleet('gone', [20_000])],
    });
  };

  it.each([1, 2, 3])('of four minutes alone changes nothing (seed %i)', async (seed) => {
    const { violations, outcomes, instances } = await runScenario(skewed(seed, 4), false);
    expect(violations).toEqual([]);
    expect(outcomes).toEqual({ Running: 1, Terminated: 1 });
    expect(instances).toBeGreaterThanOrEqual(2 * SIZE);
  });

  // Who is ahead holds up those behind, some beyond the time limit; nothing is lost, doubled or miscounted.
  it.each([1, 2, 3])(
    'of ten minutes among killed workers, lost replies and doubles keeps the books right (seed %i)',
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
