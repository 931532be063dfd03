import { describe, expect, it } from 'vitest';
import { Patience, retryAfterMs } from '../../../functions/platform/worker/patience.ts';

describe('waits for a service that cannot do its part', () => {
  const at = { nowMs: 1_000_000, draw: 0.5 };
  const begin = () => new Patience({ now: () => at.nowMs }, () => at.draw);

  it('are of two seconds at first, and half of what the trouble has lasted, up to 20 seconds', () => {
    const patience = begin();
    const waits = [0, 3_000, 7_000, 10_000, 30_000, 600_000].map((passedMs) => {
      at.nowMs += passedMs;
      return patience.waitMs();
    });
    expect(waits).toEqual([2_000, 2_000, 5_000, 10_000, 20_000, 20_000]);
  });

  it('begin anew when something went well', () => {
    const patience = begin();
    patience.waitMs();
    at.nowMs += 60_000;
    expect(patience.waitMs()).toBe(20_000);
    patience.relieve();
    expect(patience.waitMs()).toBe(2_000);
  });

  it('are spread over as much as they last', () => {
    const patience = begin();
    const waits = [0, 0.25, 0.999].map((draw) => {
      at.draw = draw;
      return patience.waitMs();
    });
    expect(waits).toEqual([1_000, 1_500, 2_998]);
  });
});

it('what failed for a reason of its own comes back after 5 s, twice as long each time, 5 min at most', () => {
  const waits = Array.from({ length: 9 }, (_, at) => retryAfterMs(at + 1) / 1_000);
  expect(waits).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300]);
  expect(waits.reduce((sum, one) => sum + one, 0) / 60).toBeGreaterThan(20);
});
