import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decideCreates } from '../../../../functions/platform/governor/decide-creates.ts';
import type { RateLimit } from '../../../../functions/platform/governor/rate.ts';
import type { SiteState } from '../../../../functions/platform/governor/site-state.ts';
import { tokenBucket } from './token-bucket.ts';
import { limits, NOON, site, want } from './wanted.ts';

interface Ask {
  atMs: number;
  ids: string[];
}

/**
 * Delays in ms from the start time that the governor gave a launch to the launch's next request to the governor. Each
 * call of `decideCreates` uses the next delay. After the last delay, the first delay is used again.
 */
type Lateness = readonly number[];

/**
 * Runs launches until each launch has called the cloud. A launch asks the governor, and calls the cloud if the governor
 * allows the call. If the governor gives the launch a start time, the launch asks again after this time and a delay.
 *
 * @returns `taken`: number of calls that the cloud accepted; `refused`: number of calls that the cloud refused
 */
function launch(
  rateLimit: RateLimit,
  asks: readonly Ask[],
  lateness: Lateness,
): { taken: number; refused: number } {
  const allowed = limits({ concurrentInstancesPerLocation: 1_000, calls: { create: rateLimit } });
  const admits = tokenBucket(rateLimit);
  let state: SiteState = site();
  let [taken, refused, answers] = [0, 0, 0];
  const due = [...asks];
  for (;;) {
    const next = due.sort((one, other) => one.atMs - other.atMs).shift();
    if (!next) return { taken, refused };
    const decided = decideCreates(
      state,
      allowed,
      next.atMs,
      next.ids.map((id) => want(id)),
    );
    state = decided.state ?? state;
    answers += 1;
    const lateMs = lateness[answers % lateness.length] ?? 0;
    for (const [id, decision] of decided.decisions) {
      if (decision.action === 'scheduleAt')
        due.push({ atMs: Math.ceil(decision.startMs + lateMs), ids: [id] });
      // This test has no launch queue. Instead, the launch asks again after ten seconds.
      else if (decision.action === 'queue') due.push({ atMs: next.atMs + 10_000, ids: [id] });
      else if (admits(next.atMs)) taken += 1;
      else refused += 1;
    }
  }
}

it('every launch calls the cloud and the cloud refuses no call, even if launches are late', () => {
  const ask = fc.record({
    afterMs: fc.nat(15_000),
    count: fc.integer({ min: 1, max: 10 }),
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10 }),
      fc.integer({ min: 1, max: 5 }),
      fc.array(ask, { maxLength: 15 }),
      fc.array(fc.nat(12_000), { minLength: 1, maxLength: 20 }),
      (perSecond, bursts, wanted, lateness) => {
        const asks = wanted.map(({ afterMs, count }, at) => ({
          atMs: NOON + afterMs,
          ids: Array.from({ length: count }, (_, one) => `i${at * 10 + one}`),
        }));
        const rateLimit = { perSecond, burst: Math.max(2, perSecond * bursts) };
        const all = wanted.reduce((sum, { count }) => sum + count, 0);
        expect(launch(rateLimit, asks, lateness)).toEqual({ taken: all, refused: 0 });
      },
    ),
    { numRuns: 300 },
  );
});
