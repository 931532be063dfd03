import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LimitOverride } from '../../../../functions/model/limit-profile.ts';
import type { WantedCreate } from '../../../../functions/model/wanted-create.ts';
import { applyFeedback } from '../../../../functions/platform/governor/blocks.ts';
import {
  type CreateDecisions,
  decideCreates,
} from '../../../../functions/platform/governor/decide-creates.ts';
import type { SiteState } from '../../../../functions/platform/governor/site-state.ts';
import { SLOT_EXPIRY_MS } from '../../../../functions/platform/governor/slots.ts';
import { limits, NOON, site, want } from './wanted.ts';

const SECOND = 1_000;
const rate = (perSecond: number, burst: number): LimitOverride => ({
  calls: { create: { perSecond, burst } },
});
const many = (count: number, from = 0): WantedCreate[] =>
  Array.from({ length: count }, (_, at) => want(`i${from + at}`));
const said = ({ decisions }: CreateDecisions) => [...decisions.values()].map(({ action }) => action);
const startsOf = ({ state }: CreateDecisions, ids: readonly string[]) =>
  ids.map((id) => (state?.holders[id] ?? Number.NaN) - NOON);

describe('slots', () => {
  it('are given in order, and the others wait for them', () => {
    const decided = decideCreates(site(), limits({ concurrentInstancesPerLocation: 2 }), NOON, many(3));
    expect([...decided.decisions.values()]).toEqual([
      { action: 'allow' },
      { action: 'allow' },
      { action: 'queue', why: 'slots' },
    ]);
    expect(decided.given).toEqual(['i0', 'i1']);
  });

  it('that nothing gives back expire after an hour', () => {
    const state = site({ holders: { old: NOON - SLOT_EXPIRY_MS, young: NOON - SLOT_EXPIRY_MS + SECOND } });
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
    let state = site({ holders: { i0: NOON - 5 * SECOND, i1: NOON - 5 * SECOND } });
    for (let refusals = 0; refusals < 9; refusals += 1)
      state = applyFeedback(state, { kind: 'unavailable' }, NOON);
    const called = many(2).map((one) => ({ ...one, calledAtMs: NOON - 4 * SECOND }));
    const decided = decideCreates(state, limits({ concurrentInstancesPerLocation: 2 }), NOON, called);
    expect(said(decided)).toEqual(['queue', 'queue']);
    expect(decided.state).toBeUndefined();
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
        let state: SiteState = site();
        let nowMs = NOON;
        for (const { afterMs, first, count, released, isCalled } of todo) {
          nowMs += afterMs;
          const { [`i${released}`]: _gone, ...holders } = state.holders;
          state = { ...state, holders };
          const wanted = many(count, first).map((one) => ({
            ...one,
            ...(isCalled ? { calledAtMs: nowMs } : {}),
          }));
          const decided = decideCreates(state, allowed, nowMs, wanted);
          for (const { instanceId } of wanted) {
            const heldMs = state.holders[instanceId];
            const decision = decided.decisions.get(instanceId);
            if (heldMs === undefined || isCalled || heldMs + 30_000 <= nowMs) continue;
            if (heldMs > nowMs + 100) expect(decision).toEqual({ action: 'scheduleAt', startMs: heldMs });
            else expect(['allow', 'scheduleAt']).toContain(decision?.action);
            expect(decided.given).not.toContain(instanceId);
          }
          const next = decided.state ?? state;
          expect(Object.keys(next.holders).length).toBeLessThanOrEqual(slots);
          const gone = [...decided.decisions].flatMap(([id, { action }]) => (action === 'queue' ? [id] : []));
          expect(gone.filter((id) => id in next.holders)).toEqual([]);
          state = next;
        }
      }),
    );
  });
});

describe('rates', () => {
  it('give each its own time, up to a minute ahead; the others stay queued', () => {
    const allowed = limits({ concurrentInstancesPerLocation: 100, ...rate(0.1, 1) });
    const decided = decideCreates(site(), allowed, NOON, many(10));
    expect(said(decided)).toEqual(['allow', ...Array(5).fill('scheduleAt'), ...Array(4).fill('queue')]);
    expect(decided.decisions.get('i9')).toEqual({ action: 'queue', why: 'rate' });
    expect(decided.given).toHaveLength(6);
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
          let state: SiteState = site();
          let nowMs = NOON;
          let made = 0;
          const starts: number[] = [];
          for (const [afterMs, count] of asks) {
            nowMs += afterMs;
            const decided = decideCreates(state, allowed, nowMs, many(count, made));
            made += count;
            starts.push(...decided.given.map((id) => decided.state?.holders[id] ?? 0));
            state = decided.state ?? state;
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
      startsOf(decideCreates(site(), limits(override), NOON, many(3)), ids);
    expect(at({ ...rate(1, 5), pacing: 'even' })).toEqual([0, 1_200, 2_400]);
    expect(at({ ...rate(1, 5), minimumSpacingMs: 7_000 })).toEqual([0, 7_000, 14_000]);
    expect(at({ ...rate(1, 5), pacing: 'all-at-once', minimumSpacingMs: 500 })).toEqual([0, NaN, NaN]);
  });

  it('a launch that already used its permit must request a new one', () => {
    const allowed = limits(rate(1, 1));
    const first = decideCreates(site(), allowed, NOON, many(1));
    const again = [want('i0', { calledAtMs: NOON + 50 })];
    const second = decideCreates(first.state ?? site(), allowed, NOON + 200, again);
    expect(second.given).toEqual(['i0']);
    expect(second.decisions.get('i0')).toEqual({ action: 'scheduleAt', startMs: NOON + 1_200 });
  });

  it('are given again to a queued launch that has let its own pass', () => {
    const state = site({ holders: { i0: NOON - SECOND, i1: NOON + SECOND }, nextDueMs: NOON + 2 * SECOND });
    const ask = (isFromQueue: boolean) =>
      decideCreates(state, limits(rate(1, 1)), NOON, many(2), isFromQueue);
    expect(said(ask(false))).toEqual(['allow', 'scheduleAt']);
    const decided = ask(true);
    expect(said(decided)).toEqual(['scheduleAt', 'scheduleAt']);
    expect(startsOf(decided, ['i0', 'i1'])).toEqual([2 * SECOND, SECOND]);
  });

  it('are not given again, by a transfer of slots, to a queued launch that another worker is sending', () => {
    const holders = { i0: NOON - SECOND, i1: NOON + SECOND, i2: NOON - SECOND };
    const wanted = [...many(2), want('i2', { calledAtMs: NOON - 500 })];
    const decided = decideCreates(site({ holders }), limits(rate(50, 50)), NOON, wanted, true, true);
    expect(said(decided)).toEqual(['queue', 'queue', 'allow']);
    expect(decided.given).toEqual(['i2']);
  });

  it('are for calls that go out: those that come late, and others meanwhile, are no more than the cloud takes', () => {
    const allowed = limits({ concurrentInstancesPerLocation: 1_000, ...rate(3, 10) });
    const { state: planned = site() } = decideCreates(site(), allowed, NOON, many(18));
    const late = many(9, 9);
    // The cloud has had nine calls, and its bucket is full again.
    const others = decideCreates(planned, allowed, NOON + 6 * SECOND, many(8, 100));
    expect(said(others)).toEqual(Array(8).fill('allow'));
    const second = decideCreates(others.state ?? site(), allowed, NOON + 6_400, late);
    expect(said(second)).toEqual(['allow', 'allow', ...Array(7).fill('scheduleAt')]);
    expect(second.given).toEqual([]);
    const [, , third] = startsOf(second, ['i9', 'i10', 'i11']);
    expect(third).toBeGreaterThan(6_500);
    // A launch that was given a later start may come late for that start, too: its permit still holds.
    const again = decideCreates(second.state ?? site(), allowed, NOON + 12 * SECOND, late.slice(2));
    expect(said(again)).toEqual(Array(7).fill('allow'));
  });

  it('count calls once for queued launches: when they come to make them', () => {
    const allowed = limits({ concurrentInstancesPerLocation: 100, ...rate(3, 10) });
    const { decisions, state = site() } = decideCreates(site(), allowed, NOON, many(9), true);
    expect([...decisions.values()]).toEqual(Array(9).fill({ action: 'allow' }));
    const calls = decideCreates(state, allowed, NOON + 50, many(9));
    expect(said(calls)).toEqual(Array(9).fill('allow'));
    // The cloud's burst is used up now.
    expect(said(decideCreates(calls.state ?? site(), allowed, NOON + 60, many(1, 9)))).toEqual([
      'scheduleAt',
    ]);
  });

  it('write nothing where all have what they are to have', () => {
    const allowed = limits({ concurrentInstancesPerLocation: 2 });
    const { state = site() } = decideCreates(site(), allowed, NOON, many(2));
    const isToCome = { ...state, holders: { i0: NOON + 5 * SECOND, i1: NOON + 6 * SECOND } };
    expect(decideCreates(isToCome, allowed, NOON + SECOND, many(3)).state).toBeUndefined();
  });
});

describe('all at once', () => {
  const allowed = limits({ pacing: 'all-at-once', concurrentInstancesPerLocation: 4, ...rate(1, 1) });

  it('waits until one runs here', () => {
    const decided = decideCreates(site(), allowed, NOON, many(3));
    expect(decided.given).toEqual(['i0']);
    expect(decided.decisions.get('i2')).toEqual({ action: 'queue', why: 'first-instance' });
  });

  it('then gives all that there is room for, whatever the rate', () => {
    const decided = decideCreates(site({ ranAtMs: NOON - SECOND }), allowed, NOON, many(5));
    expect(said(decided)).toEqual(['allow', 'allow', 'allow', 'allow', 'queue']);
  });
});

it('keeps permits from being used that were given before it was known that nothing is to be had', () => {
  const allowed = limits(rate(1, 1));
  const { state = site() } = decideCreates(site(), allowed, NOON, many(4));
  const known = applyFeedback(state, { kind: 'no-capacity', wanted: want('i0') }, NOON + 500);
  const decided = decideCreates(known, allowed, NOON + SECOND, many(3, 1));
  expect(said(decided)).toEqual(['scheduleAt', 'queue', 'queue']);
  expect(Object.keys(decided.state?.holders ?? {})).toEqual(['i0', 'i1', 'i2', 'i3']);
  const later = decideCreates(decided.state ?? known, allowed, NOON + 2 * SECOND, many(2, 1));
  expect(said(later)).toEqual(['allow', 'queue']);
});

it('keeps a site at rest while the connection’s budget is used up', () => {
  const state = site({ budget: { reason: 'createsPerDay', untilMs: NOON + SECOND } });
  const allowed = limits({});
  expect(decideCreates(state, allowed, NOON, many(1)).decisions.get('i0')).toEqual({
    action: 'queue',
    why: 'budget',
  });
  expect(decideCreates(state, allowed, NOON + SECOND, many(1)).given).toEqual(['i0']);
});
