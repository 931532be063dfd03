import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LimitOverride } from '../../../functions/model/limit-profile.ts';
import type { WantedCreate } from '../../../functions/model/wanted-create.ts';
import { learn } from '../../../functions/platform/governor/barriers.ts';
import { type Decision, decideCreates } from '../../../functions/platform/governor/decide-creates.ts';
import type { PlaceState } from '../../../functions/platform/governor/place-state.ts';
import { SLOT_LEASE_MS } from '../../../functions/platform/governor/slots.ts';
import { limits, NOON, place, want } from './wanted.ts';

const SECOND = 1_000;
const rate = (perSecond: number, burst: number): LimitOverride => ({
  calls: { create: { perSecond, burst } },
});
const many = (count: number, from = 0): WantedCreate[] =>
  Array.from({ length: count }, (_, at) => want(`i${from + at}`));
const said = ({ verdicts }: Decision) => [...verdicts.values()].map(({ say }) => say);
const startsOf = ({ state }: Decision, ids: readonly string[]) =>
  ids.map((id) => (state?.holders[id] ?? Number.NaN) - NOON);

describe('slots', () => {
  it('are given in order, and the others wait for them', () => {
    const decision = decideCreates(place(), limits({ concurrentInstancesPerLocation: 2 }), NOON, many(3));
    expect([...decision.verdicts.values()]).toEqual([
      { say: 'go' },
      { say: 'go' },
      { say: 'wait', why: 'slots' },
    ]);
    expect(decision.given).toEqual(['i0', 'i1']);
  });

  it('that nothing gives back are free again after a lease', () => {
    const state = place({ holders: { old: NOON - SLOT_LEASE_MS, young: NOON - SLOT_LEASE_MS + SECOND } });
    const { given, state: next } = decideCreates(
      state,
      limits({ concurrentInstancesPerLocation: 2 }),
      NOON,
      many(2),
    );
    expect(given).toEqual(['i0']);
    expect(Object.keys(next?.holders ?? {})).toEqual(['young', 'i0']);
  });

  it('stay with who has to wait: another copy of the launch may be making its call under it', () => {
    let state = place({ holders: { i0: NOON - 5 * SECOND, i1: NOON - 5 * SECOND } });
    for (let refusals = 0; refusals < 9; refusals += 1) state = learn(state, { learnt: 'unavailable' }, NOON);
    const called = many(2).map((one) => ({ ...one, calledAtMs: NOON - 4 * SECOND }));
    const decision = decideCreates(state, limits({ concurrentInstancesPerLocation: 2 }), NOON, called);
    expect(said(decision)).toEqual(['wait', 'wait']);
    expect(decision.state).toBeUndefined();
  });

  it('are never more than there are, and who has an unused permit keeps it, and its time while that is to come', () => {
    const asks = fc.array(
      fc.record({
        afterMs: fc.integer({ min: 0, max: 20_000 }),
        first: fc.nat(12),
        count: fc.integer({ min: 1, max: 6 }),
        /** Whose slots went back before. */
        released: fc.nat(12),
        isCalled: fc.boolean(),
      }),
      { maxLength: 40 },
    );
    const pacing = fc.constantFrom('burst' as const, 'even' as const, 'all-at-once' as const);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), pacing, asks, (slots, how, todo) => {
        const allowed = limits({ concurrentInstancesPerLocation: slots, pacing: how, ...rate(1, 3) });
        let state: PlaceState = place();
        let nowMs = NOON;
        for (const { afterMs, first, count, released, isCalled } of todo) {
          nowMs += afterMs;
          const { [`i${released}`]: _gone, ...holders } = state.holders;
          state = { ...state, holders };
          const wanted = many(count, first).map((one) => ({
            ...one,
            ...(isCalled ? { calledAtMs: nowMs } : {}),
          }));
          const decision = decideCreates(state, allowed, nowMs, wanted);
          for (const { instanceId } of wanted) {
            const heldMs = state.holders[instanceId];
            const verdict = decision.verdicts.get(instanceId);
            if (heldMs === undefined || isCalled || heldMs + 30_000 <= nowMs) continue;
            if (heldMs > nowMs + 100) expect(verdict).toEqual({ say: 'later', startMs: heldMs });
            else expect(['go', 'later']).toContain(verdict?.say);
            expect(decision.given).not.toContain(instanceId);
          }
          const next = decision.state ?? state;
          expect(Object.keys(next.holders).length).toBeLessThanOrEqual(slots);
          const gone = [...decision.verdicts].flatMap(([id, { say }]) => (say === 'wait' ? [id] : []));
          expect(gone.filter((id) => id in next.holders)).toEqual([]);
          state = next;
        }
      }),
    );
  });
});

describe('rates', () => {
  it('give each its own time, up to a minute ahead; the others stay in line', () => {
    const allowed = limits({ concurrentInstancesPerLocation: 100, ...rate(0.1, 1) });
    const decision = decideCreates(place(), allowed, NOON, many(10));
    expect(said(decision)).toEqual(['go', ...Array(5).fill('later'), ...Array(4).fill('wait')]);
    expect(decision.verdicts.get('i9')).toEqual({ say: 'wait', why: 'rate' });
    expect(decision.given).toHaveLength(6);
  });

  it('are never exceeded by the times that are given', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 1, max: 20 })), {
          maxLength: 20,
        }),
        (perSecond, bursts, asks) => {
          const burst = perSecond * bursts;
          const allowed = limits({ concurrentInstancesPerLocation: 1_000, ...rate(perSecond, burst) });
          let state: PlaceState = place();
          let nowMs = NOON;
          let made = 0;
          const starts: number[] = [];
          for (const [afterMs, count] of asks) {
            nowMs += afterMs;
            const decision = decideCreates(state, allowed, nowMs, many(count, made));
            made += count;
            starts.push(...decision.given.map((id) => decision.state?.holders[id] ?? 0));
            state = decision.state ?? state;
          }
          for (const from of starts) {
            for (const seconds of [1, 5, 20]) {
              const within = starts.filter((at) => at >= from && at < from + seconds * SECOND).length;
              expect(within).toBeLessThanOrEqual(burst + perSecond * seconds);
            }
          }
        },
      ),
    );
  });

  it('may be even, or spaced', () => {
    const ids = many(3).map(({ instanceId }) => instanceId);
    const at = (override: LimitOverride) =>
      startsOf(decideCreates(place(), limits(override), NOON, many(3)), ids);
    expect(at({ ...rate(1, 5), pacing: 'even' })).toEqual([0, 1_200, 2_400]);
    expect(at({ ...rate(1, 5), minimumSpacingMs: 7_000 })).toEqual([0, 7_000, 14_000]);
    expect(at({ ...rate(1, 5), pacing: 'all-at-once', minimumSpacingMs: 500 })).toEqual([0, NaN, NaN]);
  });

  it('are asked for anew by who has used a permit', () => {
    const allowed = limits(rate(1, 1));
    const first = decideCreates(place(), allowed, NOON, many(1));
    const again = [want('i0', { calledAtMs: NOON + 50 })];
    const second = decideCreates(first.state ?? place(), allowed, NOON + 200, again);
    expect(second.given).toEqual(['i0']);
    expect(second.verdicts.get('i0')).toEqual({ say: 'later', startMs: NOON + 1_200 });
  });

  it('are given anew to who stands in line and has let its own pass', () => {
    const state = place({ holders: { i0: NOON - SECOND, i1: NOON + SECOND }, nextDueMs: NOON + 2 * SECOND });
    const ask = (isFromLine: boolean) => decideCreates(state, limits(rate(1, 1)), NOON, many(2), isFromLine);
    expect(said(ask(false))).toEqual(['go', 'later']);
    const decision = ask(true);
    expect(said(decision)).toEqual(['later', 'later']);
    expect(startsOf(decision, ['i0', 'i1'])).toEqual([2 * SECOND, SECOND]);
  });

  it('are not given again, by a hand-over, to a launch in line that another worker is sending', () => {
    const holders = { i0: NOON - SECOND, i1: NOON + SECOND, i2: NOON - SECOND };
    const wanted = [...many(2), want('i2', { calledAtMs: NOON - 500 })];
    const decision = decideCreates(place({ holders }), limits(rate(50, 50)), NOON, wanted, true, true);
    expect(said(decision)).toEqual(['wait', 'wait', 'go']);
    expect(decision.given).toEqual(['i2']);
  });

  it('are for calls that go out: those that come late, and others meanwhile, are no more than the cloud takes', () => {
    const allowed = limits({ concurrentInstancesPerLocation: 1_000, ...rate(3, 10) });
    const { state: planned = place() } = decideCreates(place(), allowed, NOON, many(18));
    const late = many(9, 9);
    // The cloud has had nine calls, and its bucket is full again.
    const others = decideCreates(planned, allowed, NOON + 6 * SECOND, many(8, 100));
    expect(said(others)).toEqual(Array(8).fill('go'));
    const second = decideCreates(others.state ?? place(), allowed, NOON + 6_400, late);
    expect(said(second)).toEqual(['go', 'go', ...Array(7).fill('later')]);
    expect(second.given).toEqual([]);
    const [, , third] = startsOf(second, ['i9', 'i10', 'i11']);
    expect(third).toBeGreaterThan(6_500);
    // Whoever was told so late again comes as late as it likes.
    const again = decideCreates(second.state ?? place(), allowed, NOON + 12 * SECOND, late.slice(2));
    expect(said(again)).toEqual(Array(7).fill('go'));
  });

  it('count calls once for those that stand in line: when they come to make them', () => {
    const allowed = limits({ concurrentInstancesPerLocation: 100, ...rate(3, 10) });
    const { verdicts, state = place() } = decideCreates(place(), allowed, NOON, many(9), true);
    expect([...verdicts.values()]).toEqual(Array(9).fill({ say: 'go' }));
    const calls = decideCreates(state, allowed, NOON + 50, many(9));
    expect(said(calls)).toEqual(Array(9).fill('go'));
    // The cloud's burst is used up now.
    expect(said(decideCreates(calls.state ?? place(), allowed, NOON + 60, many(1, 9)))).toEqual(['later']);
  });

  it('write nothing where all have what they are to have', () => {
    const allowed = limits({ concurrentInstancesPerLocation: 2 });
    const { state = place() } = decideCreates(place(), allowed, NOON, many(2));
    const isToCome = { ...state, holders: { i0: NOON + 5 * SECOND, i1: NOON + 6 * SECOND } };
    expect(decideCreates(isToCome, allowed, NOON + SECOND, many(3)).state).toBeUndefined();
  });
});

describe('all at once', () => {
  const allowed = limits({ pacing: 'all-at-once', concurrentInstancesPerLocation: 4, ...rate(1, 1) });

  it('waits until one runs here', () => {
    const decision = decideCreates(place(), allowed, NOON, many(3));
    expect(decision.given).toEqual(['i0']);
    expect(decision.verdicts.get('i2')).toEqual({ say: 'wait', why: 'first-instance' });
  });

  it('then gives all that there is room for, whatever the rate', () => {
    const decision = decideCreates(place({ ranAtMs: NOON - SECOND }), allowed, NOON, many(5));
    expect(said(decision)).toEqual(['go', 'go', 'go', 'go', 'wait']);
  });
});

it('keeps permits from being used that were given before it was known that nothing is to be had', () => {
  const allowed = limits(rate(1, 1));
  const { state = place() } = decideCreates(place(), allowed, NOON, many(4));
  const known = learn(state, { learnt: 'no-capacity', wanted: want('i0') }, NOON + 500);
  const decision = decideCreates(known, allowed, NOON + SECOND, many(3, 1));
  expect(said(decision)).toEqual(['later', 'wait', 'wait']);
  expect(Object.keys(decision.state?.holders ?? {})).toEqual(['i0', 'i1', 'i2', 'i3']);
  const later = decideCreates(decision.state ?? known, allowed, NOON + 2 * SECOND, many(2, 1));
  expect(said(later)).toEqual(['go', 'wait']);
});

it('keeps a place at rest while the connection’s budget is used up', () => {
  const state = place({ budget: { reason: 'createsPerDay', untilMs: NOON + SECOND } });
  const allowed = limits({});
  expect(decideCreates(state, allowed, NOON, many(1)).verdicts.get('i0')).toEqual({
    say: 'wait',
    why: 'budget',
  });
  expect(decideCreates(state, allowed, NOON + SECOND, many(1)).given).toEqual(['i0']);
});
