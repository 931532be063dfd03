import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bootBetween, fastestOf, nextPollMs } from '../../../../functions/features/poller/next-poll.ts';
import { SHORTEST_POLL_MS } from '../../../../functions/platform/store/loops.ts';

const NOW = 1_000_000;
const INTERVAL_MS = 5_000;

describe('nextPollMs', () => {
  it('the next poll comes after the usual interval when no launch waits or nothing is being created', () => {
    expect(nextPollMs({ isWaitedFor: false, startsMs: [NOW], fastestMs: 6_000 }, INTERVAL_MS, NOW)).toBe(
      INTERVAL_MS,
    );
    expect(nextPollMs({ isWaitedFor: false, startsMs: [NOW] }, INTERVAL_MS, NOW)).toBe(INTERVAL_MS);
    expect(nextPollMs({ isWaitedFor: true, startsMs: [], fastestMs: 1_000 }, INTERVAL_MS, NOW)).toBe(
      INTERVAL_MS,
    );
  });

  it.each([
    [0, 2_900, SHORTEST_POLL_MS],
    [1_000, 3_000, 1_500],
    [3_000, 7_000, 3_500],
    [6_400, 7_000, SHORTEST_POLL_MS],
    [60_000, 3_000, SHORTEST_POLL_MS],
    [0, 40_000, INTERVAL_MS],
    [0, undefined, SHORTEST_POLL_MS],
  ])(
    'if launches wait, the first create was %i ms ago and a boot takes %j ms, the next poll comes in %i ms',
    (ageMs, fastestMs, expected) => {
      const startsMs = [NOW - ageMs, NOW];
      expect(nextPollMs({ isWaitedFor: true, startsMs, fastestMs }, INTERVAL_MS, NOW)).toBe(expected);
    },
  );

  it.each([
    [0, SHORTEST_POLL_MS],
    [1_500, SHORTEST_POLL_MS],
    [3_000, 2_500],
    [60_000, INTERVAL_MS],
  ])(
    'if no launch waits, boots are quick and the first create was %i ms ago, the next poll comes in %i ms',
    (ageMs, expected) => {
      const startsMs = [NOW - ageMs, NOW];
      expect(nextPollMs({ isWaitedFor: false, startsMs, fastestMs: 1_000 }, INTERVAL_MS, NOW)).toBe(expected);
    },
  );

  it('a driver with a longer interval is polled less often while no launch waits', () => {
    expect(nextPollMs({ isWaitedFor: false, startsMs: [NOW], fastestMs: 40_000 }, 20_000, NOW)).toBe(20_000);
    expect(nextPollMs({ isWaitedFor: true, startsMs: [NOW], fastestMs: 12_000 }, 20_000, NOW)).toBe(11_500);
  });

  it('the delay of the next poll is never below the shortest interval or above the usual interval', () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.array(fc.integer({ min: 0, max: 2 * NOW })),
        fc.option(fc.integer({ min: 0, max: NOW }), { nil: undefined }),
        (isWaitedFor, startsMs, fastestMs) => {
          const waitMs = nextPollMs({ isWaitedFor, startsMs, fastestMs }, INTERVAL_MS, NOW);
          expect(waitMs).toBeGreaterThanOrEqual(SHORTEST_POLL_MS);
          expect(waitMs).toBeLessThanOrEqual(INTERVAL_MS);
        },
      ),
    );
  });
});

describe('fastestOf', () => {
  it('fastestOf returns the shortest boot time, and raises it slowly when later boots are slower', () => {
    expect(fastestOf(undefined, [])).toBeUndefined();
    expect(fastestOf(undefined, [9_000, 7_000])).toBe(7_000);
    expect(fastestOf(7_000, [])).toBe(7_000);
    expect(fastestOf(7_000, [5_000])).toBe(5_000);
    expect(fastestOf(7_000, [20_000])).toBe(7_350);
    expect(fastestOf(undefined, [-5])).toBe(0);
  });
});

describe('bootBetween', () => {
  it('the measured boot of a slow machine ends at the later poll, which saw the machine run', () => {
    expect(bootBetween(NOW, NOW + 7_000, NOW + 8_000)).toBe(8_000);
  });

  it('the measured boot of a machine that may be quick ends at the earlier poll, which saw the machine not run yet', () => {
    expect(bootBetween(NOW, NOW + 700, NOW + 5_000)).toBe(700);
  });

  it('bootBetween returns undefined for a machine that was requested after the earlier poll', () => {
    expect(bootBetween(NOW, NOW - 1, NOW + 5_000)).toBeUndefined();
  });
});
