import { describe, expect, it } from 'vitest';
import { Backoff, retryAfterMs } from '../../../../functions/platform/worker/backoff.ts';

describe('Backoff', () => {
  const at = { nowMs: 1_000_000, draw: 0.5 };
  const begin = () => new Backoff({ now: () => at.nowMs }, () => at.draw);

  it('the backoff is half of the time since the first error, but at least 2 s and at most 20 s', () => {
    const backoff = begin();
    const waits = [0, 3_000, 7_000, 10_000, 30_000, 600_000].map((passedMs) => {
      at.nowMs += passedMs;
      return backoff.waitMs();
    });
    expect(waits).toEqual([2_000, 2_000, 5_000, 10_000, 20_000, 20_000]);
  });

  it('after a success, the next backoff has the shortest length again', () => {
    const backoff = begin();
    backoff.waitMs();
    at.nowMs += 60_000;
    expect(backoff.waitMs()).toBe(20_000);
    backoff.relieve();
    expect(backoff.waitMs()).toBe(2_000);
  });

  it('jitter spreads the backoff from half to one and a half times its usual length', () => {
    const backoff = begin();
    const waits = [0, 0.25, 0.999].map((draw) => {
      at.draw = draw;
      return backoff.waitMs();
    });
    expect(waits).toEqual([1_000, 1_500, 2_998]);
  });
});

it('a message with an error that is not transient waits 5 s, then twice as long each time, up to 5 min', () => {
  const waits = Array.from({ length: 9 }, (_, at) => retryAfterMs(at + 1) / 1_000);
  expect(waits).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300]);
  expect(waits.reduce((sum, one) => sum + one, 0) / 60).toBeGreaterThan(20);
});
