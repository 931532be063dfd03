import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  awaitsAccepted,
  type CallState,
  IDLE_CALLS,
  noteAccepted,
  rateMultiplier,
  scheduleCalls,
  slowCalls,
} from '../../../../functions/platform/governor/rate.ts';
import { tokenBucket } from './token-bucket.ts';

describe('scheduleCalls', () => {
  it('scheduleCalls starts all calls of a burst except one immediately, and further calls at the rate', () => {
    const { startsMs } = scheduleCalls(IDLE_CALLS, { perSecond: 2, burst: 5 }, 10_000, 7);
    expect(startsMs).toEqual([10_000, 10_000, 10_000, 10_000, 10_200, 10_700, 11_200]);
  });

  it('the calls of a later request are scheduled after the calls of an earlier request', () => {
    const first = scheduleCalls(IDLE_CALLS, { perSecond: 2, burst: 5 }, 10_000, 6);
    const second = scheduleCalls(first.state, { perSecond: 2, burst: 5 }, 10_100, 1);
    expect(second.startsMs).toEqual([11_200]);
  });

  it('with a burst of one, no two calls start together', () => {
    const { startsMs } = scheduleCalls(IDLE_CALLS, { perSecond: 1, burst: 1 }, 0, 3);
    expect(startsMs).toEqual([0, 1_200, 2_400]);
  });

  it('calls keep the minimum spacing even if the burst allows more calls', () => {
    const rateLimit = { perSecond: 5, burst: 20, spacingMs: 6_000 };
    const first = scheduleCalls(IDLE_CALLS, rateLimit, 60_000, 2);
    expect(first.startsMs).toEqual([60_000, 66_000]);
    expect(scheduleCalls(first.state, rateLimit, 61_000, 1).startsMs).toEqual([72_000]);
  });

  it('a token bucket with the rate and the burst of the schedule accepts every scheduled call, even if calls arrive late', () => {
    fc.assert(
      fc.property(
        fc.record({ perSecond: fc.integer({ min: 1, max: 20 }), burst: fc.integer({ min: 2, max: 30 }) }),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 1, max: 40 })), {
          maxLength: 40,
        }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 10 }),
        (rateLimit, asks, lateness) => {
          let state: CallState = IDLE_CALLS;
          let nowMs = 0;
          const arrivals: number[] = [];
          // The burst is the reserve for late calls, which lasts 200 ms at most.
          const reserveMs = Math.min(200, ((rateLimit.burst - 1) * 1_000) / rateLimit.perSecond);
          for (const [waitMs, wanted] of asks) {
            nowMs += waitMs;
            const calls = scheduleCalls(state, rateLimit, nowMs, wanted);
            state = calls.state;
            for (const startMs of calls.startsMs) {
              const late = lateness[arrivals.length % lateness.length] ?? 0;
              arrivals.push(startMs + late * reserveMs);
            }
          }
          const admits = tokenBucket(rateLimit);
          for (const atMs of arrivals.toSorted((a, b) => a - b)) expect(admits(atMs)).toBe(true);
        },
      ),
    );
  });

  it('waiting calls are scheduled at the full rate', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 2, max: 30 }), (perSecond, burst) => {
        const { startsMs } = scheduleCalls(IDLE_CALLS, { perSecond, burst }, 0, 200);
        const bestMs = ((200 - burst) * 1_000) / perSecond;
        expect(startsMs.at(-1)).toBeLessThanOrEqual(bestMs + 200 + 1e-6);
      }),
    );
  });
});

describe('slowCalls', () => {
  const RATE_LIMIT = { perSecond: 4, burst: 12 };

  it('after a throttle, calls start at the time that the cloud stated, and then at half the rate', () => {
    const slowed = slowCalls(IDLE_CALLS, 10_000, { calledAtMs: 9_900, retryAfterMs: 4_000 });
    const { startsMs } = scheduleCalls(slowed, RATE_LIMIT, 10_500, 3);
    expect(startsMs[0]).toBe(14_000);
    // Half of four calls a second is one call every 500 ms.
    expect((startsMs[1] ?? 0) - (startsMs[0] ?? 0)).toBeCloseTo(500, -2);
    expect((startsMs[2] ?? 0) - (startsMs[1] ?? 0)).toBeCloseTo(500, -2);
  });

  it('throttles of concurrent calls halve the rate only once', () => {
    const once = slowCalls(IDLE_CALLS, 10_000, { calledAtMs: 9_900 });
    const twice = slowCalls(once, 10_050, { calledAtMs: 9_950 });
    expect(rateMultiplier(twice, 10_050)).toBeCloseTo(0.5, 2);
    expect(rateMultiplier(slowCalls(twice, 12_000, { calledAtMs: 11_500 }), 12_000)).toBeCloseTo(0.26, 2);
  });

  it('the rate multiplier becomes the value that the cloud states, but at most 1', () => {
    const slowed = slowCalls(IDLE_CALLS, 10_000, { calledAtMs: 9_900, toldMultiplier: 0.8 });
    expect(rateMultiplier(slowed, 10_000)).toBeCloseTo(0.8, 5);
    expect(rateMultiplier(slowCalls(IDLE_CALLS, 0, { calledAtMs: 0, toldMultiplier: 3 }), 0)).toBe(1);
  });

  it('the rate multiplier recovers gradually until it is 1', () => {
    const slowed = slowCalls(IDLE_CALLS, 0, { calledAtMs: 0 });
    expect(rateMultiplier(slowed, 25_000)).toBeCloseTo(0.75, 2);
    expect(rateMultiplier(slowed, 50_000)).toBe(1);
    expect(scheduleCalls(slowed, RATE_LIMIT, 50_000, 1).state.slowed).toBeUndefined();
  });

  it('a rate multiplier that the cloud stated recovers within minutes', () => {
    const slowed = slowCalls(IDLE_CALLS, 0, { calledAtMs: 0, toldMultiplier: 0.5 });
    expect(rateMultiplier(slowed, 100_000)).toBeCloseTo(0.75, 2);
    expect(rateMultiplier(slowed, 200_000)).toBe(1);
  });

  it('while the cloud accepts no call, further throttles lengthen the pause, and do not lower the rate', () => {
    let state: CallState = IDLE_CALLS;
    const pausesMs: number[] = [];
    for (let call = 0; call < 10; call += 1) {
      const nowMs = 10_000 + state.blockedUntilMs;
      state = slowCalls(state, nowMs, { calledAtMs: nowMs, isCounted: true });
      pausesMs.push(state.blockedUntilMs - nowMs);
    }
    expect(pausesMs).toEqual([1_000, 2_000, 4_000, 4_000, 4_000, 4_000, 4_000, 4_000, 4_000, 4_000]);
    expect(state.slowed?.multiplier).toBe(0.5);
    expect(rateMultiplier(state, state.blockedUntilMs + 50_000)).toBe(1);
  });

  it('a throttle after an accepted call halves the rate again', () => {
    const once = slowCalls(IDLE_CALLS, 10_000, { calledAtMs: 9_900, isCounted: true });
    expect(awaitsAccepted(once)).toBe(true);
    const accepted = noteAccepted(once);
    expect(awaitsAccepted(accepted)).toBe(false);
    const twice = slowCalls(accepted, 12_000, { calledAtMs: 11_900, isCounted: true });
    expect(twice.slowed?.multiplier).toBeCloseTo(0.26, 2);
  });

  it('a later throttle with a shorter `retryAfterMs` does not shorten the wait', () => {
    const slowed = slowCalls(slowCalls(IDLE_CALLS, 0, { calledAtMs: 0, retryAfterMs: 10_000 }), 1_000, {
      calledAtMs: 0,
      retryAfterMs: 500,
    });
    expect(slowed.blockedUntilMs).toBe(10_000);
  });

  it('repeated throttles never reduce the rate multiplier to zero', () => {
    let state: CallState = IDLE_CALLS;
    for (let at = 0; at < 100; at += 1) state = slowCalls(state, at * 10_000, { calledAtMs: at * 10_000 });
    expect(rateMultiplier(state, 1_000_000)).toBeGreaterThan(0.01);
  });
});
