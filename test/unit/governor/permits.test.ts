import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  blockCalls,
  grantCalls,
  grantSlots,
  heldNow,
  IDLE_CALLS,
  SLOT_LEASE_MS,
} from '../../../functions/governor/permits.ts';

/** A cloud's token bucket, written apart from the code under test. */
function bucket(perSecond: number, burst: number) {
  let tokens = burst;
  let atMs = 0;
  return (nowMs: number): boolean => {
    tokens = Math.min(burst, tokens + ((nowMs - atMs) * perSecond) / 1_000);
    atMs = nowMs;
    if (tokens < 1 - 1e-9) return false;
    tokens -= 1;
    return true;
  };
}

describe('grantCalls', () => {
  it('grants the burst but one at once, then evenly', () => {
    const first = grantCalls(IDLE_CALLS, { perSecond: 5, burst: 20 }, 1_000, 30);
    expect(first.granted).toBe(19);
    expect(first.retryAfterMs).toBe(200);
    const second = grantCalls(first.state, { perSecond: 5, burst: 20 }, 1_200, 30);
    expect(second.granted).toBe(1);
  });

  it('lets one call out where the burst is one', () => {
    const first = grantCalls(IDLE_CALLS, { perSecond: 1, burst: 1 }, 0, 2);
    expect(first).toMatchObject({ granted: 1, retryAfterMs: 1_000 });
  });

  it('never permits what a token bucket of the same figures refuses, even with late calls', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 2, max: 30 }),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 1, max: 40 })), {
          maxLength: 40,
        }),
        fc.double({ min: 0, max: 0.9, noNaN: true }),
        (perSecond, burst, asks, late) => {
          const admits = bucket(perSecond, burst);
          let state = IDLE_CALLS;
          let nowMs = 0;
          asks.forEach(([waitMs, wanted], at) => {
            nowMs += waitMs;
            const grant = grantCalls(state, { perSecond, burst }, nowMs, wanted);
            state = grant.state;
            // Every other batch arrives late, by less than one call's interval.
            const arrivalMs = nowMs + (at % 2 === 0 ? (late * 1_000) / perSecond : 0);
            for (let call = 0; call < grant.granted; call += 1) {
              expect(admits(arrivalMs)).toBe(true);
            }
            nowMs = Math.max(nowMs, Math.ceil(arrivalMs));
          });
        },
      ),
    );
  });

  it('grants nothing until a throttle is over', () => {
    const blocked = blockCalls(IDLE_CALLS, 1_000, 4_000);
    expect(grantCalls(blocked, { perSecond: 5, burst: 5 }, 2_000, 1)).toMatchObject({
      granted: 0,
      retryAfterMs: 3_000,
    });
    expect(grantCalls(blocked, { perSecond: 5, burst: 5 }, 5_000, 1).granted).toBe(1);
  });

  it('keeps the longer of two throttles', () => {
    const blocked = blockCalls(blockCalls(IDLE_CALLS, 0, 10_000), 1_000, 500);
    expect(blocked.blockedUntilMs).toBe(10_000);
  });
});

describe('grantSlots', () => {
  it('never gives out more than there are, and keeps what a holder has', () => {
    const first = grantSlots({}, 2, 0, ['a', 'b', 'c']);
    expect(first.granted).toEqual(['a', 'b']);
    expect(grantSlots(first.holders, 2, 10, ['b', 'c']).granted).toEqual(['b']);
  });

  it('frees the slot of a holder that never came back', () => {
    const { holders } = grantSlots({}, 1, 0, ['a']);
    expect(heldNow(holders, SLOT_LEASE_MS)).toEqual({});
    expect(grantSlots(holders, 1, SLOT_LEASE_MS, ['b']).granted).toEqual(['b']);
  });
});
