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
const FLEET = 'f1kdvdnb97d98z6rm';
const rate = (perSecond: number, burst: number): LimitOverride => ({
  calls: { create: { perSecond, burst } },
});
const many = (count: number, from = 0): WantedCreate[] =>
  Array.from({ length: count }, (_, at) => want(`i${from + at}`));
const actionsOf = ({ decisions }: CreateDecisions) => [...decisions.values()].map(({ action }) => action);
const startsOf = ({ state }: CreateDecisions, ids: readonly string[]) =>
  ids.map((id) => (state?.holders[id] ?? Number.NaN) - NOON);

describe('slots', () => {
  it('launches get slots in order, and launches without a slot are queued', () => {
    const decided = decideCreates(site(), limits({ concurrentInstancesPerLocation: 2 }), NOON, many(3));
    expect([...decided.decisions.values()]).toEqual([
      { action: 'allow' },
      { action: 'allow' },
      { action: 'queue', why: 'slots' },
    ]);
    expect(decided.given).toEqual(['i0', 'i1']);
  });

  it('a slot that is never given back expires after an hour', () => {
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

  it('a launch that has to wait keeps its slot, because another copy of its message may be making the call', () => {
    let state = site({ holders: { i0: NOON - 5 * SECOND, i1: NOON - 5 * SECOND } });
    for (let refusals = 0; refusals < 9; refusals += 1)
      state = applyFeedback(state, { kind: 'unavailable' }, NOON);
    const called = many(2).map((one) => ({ ...one, calledAtMs: NOON - 4 * SECOND }));
    const decided = decideCreates(state, limits({ concurrentInstancesPerLocation: 2 }), NOON, called);
    expect(actionsOf(decided)).toEqual(['queue', 'queue']);
    expect(decided.state).toBeUndefined();
  });

  it('launches never exceed the slot limit, and a launch with an unused permit keeps its slot and start time', () => {
    const asks = fc.array(
      fc.record({
        afterMs: fc.integer({ min: 0, max: 20_000 }),
        first: fc.nat(12),
        count: fc.integer({ min: 1, max: 6 }),
        /** Index of the instance whose slot is given back before the request. */
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
  it('launches get start times within the next minute, and further launches stay queued', () => {
    const allowed = limits({ concurrentInstancesPerLocation: 100, ...rate(0.1, 1) });
    const decided = decideCreates(site(), allowed, NOON, many(10));
    expect(actionsOf(decided)).toEqual(['allow', ...Array(5).fill('scheduleAt'), ...Array(4).fill('queue')]);
    expect(decided.decisions.get('i9')).toEqual({ action: 'queue', why: 'rate' });
    expect(decided.given).toHaveLength(6);
  });

  it('at a cloud without slots, a fleet with a later start time gets no start time beyond six seconds, and other fleets do', () => {
    const allowed = limits({ concurrentInstancesPerLocation: null, ...rate(1, 1) });
    const decided = decideCreates(site(), allowed, NOON, many(20));
    const starts = [...decided.decisions.values()].flatMap((one) =>
      one.action === 'scheduleAt' ? [one.startMs - NOON] : [],
    );
    expect(starts.length).toBeGreaterThan(3);
    expect(Math.max(...starts)).toBeLessThanOrEqual(6_000);
    const state = decided.state ?? site();
    const other = decideCreates(state, allowed, NOON, [want('other', { fleetId: 'g' })]);
    expect(other.decisions.get('other')).toMatchObject({ action: 'scheduleAt' });
    const [first] = many(1);
    const ahead = { ...state, holders: { [`${FLEET}-00001`]: NOON + 5_000 } };
    const again = decideCreates(ahead, allowed, NOON, [{ ...want('late'), ...first, fleetId: FLEET }]);
    expect([...again.decisions.values()]).toEqual([{ action: 'queue', why: 'rate' }]);
  });

  it('launches that might share a call get no start time beyond the next minute', () => {
    const metered = limits({
      concurrentInstancesPerLocation: null,
      calls: { create: { perSecond: 2, burst: 5 } },
      instances: { perSecond: 2, burst: 4 },
    });
    const alike = Array.from({ length: 400 }, (_, at) =>
      want(`i${at}`, { fleetId: `f${at}`, call: { key: 'alike', most: 100 } }),
    );
    const { decisions } = decideCreates(site(), metered, NOON, alike);
    const starts = [...decisions.values()].flatMap((one) =>
      one.action === 'scheduleAt' ? [one.startMs - NOON] : [],
    );
    expect(starts.length).toBeGreaterThan(50);
    expect(Math.max(...starts)).toBeLessThanOrEqual(61_000);
    expect(decisions.get('i399')).toEqual({ action: 'queue', why: 'rate' });
  });

  it('the start times of launches stay within the rate and the burst', () => {
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

  it('pacing and minimum spacing of the limit profile set the start times of launches', () => {
    const ids = many(3).map(({ instanceId }) => instanceId);
    const at = (override: LimitOverride) =>
      startsOf(decideCreates(site(), limits(override), NOON, many(3)), ids);
    expect(at({ ...rate(1, 5), pacing: 'even' })).toEqual([0, 1_200, 2_400]);
    expect(at({ ...rate(1, 5), minimumSpacingMs: 7_000 })).toEqual([0, 7_000, 14_000]);
    expect(at({ ...rate(1, 5), pacing: 'all-at-once', minimumSpacingMs: 500 })).toEqual([0, NaN, NaN]);
  });

  it('a launch that already used its permit gets a new permit under the rate limit', () => {
    const allowed = limits(rate(1, 1));
    const first = decideCreates(site(), allowed, NOON, many(1));
    const again = [want('i0', { calledAtMs: NOON + 50 })];
    const second = decideCreates(first.state ?? site(), allowed, NOON + 200, again);
    expect(second.given).toEqual(['i0']);
    expect(second.decisions.get('i0')).toEqual({ action: 'scheduleAt', startMs: NOON + 1_200 });
  });

  it('a queued launch that missed its start time gets a new start time', () => {
    const state = site({ holders: { i0: NOON - SECOND, i1: NOON + SECOND }, nextDueMs: NOON + 2 * SECOND });
    const ask = (isFromQueue: boolean) =>
      decideCreates(state, limits(rate(1, 1)), NOON, many(2), isFromQueue);
    expect(actionsOf(ask(false))).toEqual(['allow', 'scheduleAt']);
    const decided = ask(true);
    expect(actionsOf(decided)).toEqual(['scheduleAt', 'scheduleAt']);
    expect(startsOf(decided, ['i0', 'i1'])).toEqual([2 * SECOND, SECOND]);
  });

  it('while slots are given back, a slot holder whose launch another worker is sending gets no new permit', () => {
    const holders = { i0: NOON - SECOND, i1: NOON + SECOND, i2: NOON - SECOND };
    const wanted = [...many(2), want('i2', { calledAtMs: NOON - 500 })];
    const decided = decideCreates(site({ holders }), limits(rate(50, 50)), NOON, wanted, true, true);
    expect(actionsOf(decided)).toEqual(['queue', 'queue', 'allow']);
    expect(decided.given).toEqual(['i2']);
  });

  it('late launches share the rate with new launches, and keep their permits', () => {
    const allowed = limits({ concurrentInstancesPerLocation: 1_000, ...rate(3, 10) });
    const { state: planned = site() } = decideCreates(site(), allowed, NOON, many(18));
    const late = many(9, 9);
    // Nine calls have reached the cloud, and the cloud's token bucket is full again.
    const others = decideCreates(planned, allowed, NOON + 6 * SECOND, many(8, 100));
    expect(actionsOf(others)).toEqual(Array(8).fill('allow'));
    const second = decideCreates(others.state ?? site(), allowed, NOON + 6_400, late);
    expect(actionsOf(second)).toEqual(['allow', 'allow', ...Array(7).fill('scheduleAt')]);
    expect(second.given).toEqual([]);
    const [, , third] = startsOf(second, ['i9', 'i10', 'i11']);
    expect(third).toBeGreaterThan(6_500);
    // A launch that got a later start time may miss that start time, too. Its permit is still valid.
    const again = decideCreates(second.state ?? site(), allowed, NOON + 12 * SECOND, late.slice(2));
    expect(actionsOf(again)).toEqual(Array(7).fill('allow'));
  });

  it('the call of a queued launch counts towards the rate only once, when the launch makes the call', () => {
    const allowed = limits({ concurrentInstancesPerLocation: 100, ...rate(3, 10) });
    const { decisions, state = site() } = decideCreates(site(), allowed, NOON, many(9), true);
    expect([...decisions.values()]).toEqual(Array(9).fill({ action: 'allow' }));
    const calls = decideCreates(state, allowed, NOON + 50, many(9));
    expect(actionsOf(calls)).toEqual(Array(9).fill('allow'));
    // The cloud's burst is used up now.
    expect(actionsOf(decideCreates(calls.state ?? site(), allowed, NOON + 60, many(1, 9)))).toEqual([
      'scheduleAt',
    ]);
  });

  it('decideCreates returns no state to write when no launch gets a slot or a start time', () => {
    const allowed = limits({ concurrentInstancesPerLocation: 2 });
    const { state = site() } = decideCreates(site(), allowed, NOON, many(2));
    const isToCome = { ...state, holders: { i0: NOON + 5 * SECOND, i1: NOON + 6 * SECOND } };
    expect(decideCreates(isToCome, allowed, NOON + SECOND, many(3)).state).toBeUndefined();
  });
});

describe('all at once', () => {
  const allowed = limits({ pacing: 'all-at-once', concurrentInstancesPerLocation: 4, ...rate(1, 1) });

  it('with pacing all-at-once, one launch is permitted and other launches wait until an instance runs', () => {
    const decided = decideCreates(site(), allowed, NOON, many(3));
    expect(decided.given).toEqual(['i0']);
    expect(decided.decisions.get('i2')).toEqual({ action: 'queue', why: 'first-instance' });
  });

  it('with pacing all-at-once, all free slots are given immediately after an instance has run', () => {
    const decided = decideCreates(site({ ranAtMs: NOON - SECOND }), allowed, NOON, many(5));
    expect(actionsOf(decided)).toEqual(['allow', 'allow', 'allow', 'allow', 'queue']);
  });
});

it('after a lack of capacity, only one launch (the probe) may use its permit, and other launches keep their slots', () => {
  const allowed = limits(rate(1, 1));
  const { state = site() } = decideCreates(site(), allowed, NOON, many(4));
  const known = applyFeedback(state, { kind: 'no-capacity', wanted: want('i0') }, NOON + 500);
  const decided = decideCreates(known, allowed, NOON + SECOND, many(3, 1));
  expect(actionsOf(decided)).toEqual(['scheduleAt', 'queue', 'queue']);
  expect(Object.keys(decided.state?.holders ?? {})).toEqual(['i0', 'i1', 'i2', 'i3']);
  const later = decideCreates(decided.state ?? known, allowed, NOON + 2 * SECOND, many(2, 1));
  expect(actionsOf(later)).toEqual(['allow', 'queue']);
});

it('launches of a site stay queued while the connection’s budget is used up', () => {
  const state = site({ budget: { reason: 'createsPerDay', untilMs: NOON + SECOND } });
  const allowed = limits({});
  expect(decideCreates(state, allowed, NOON, many(1)).decisions.get('i0')).toEqual({
    action: 'queue',
    why: 'budget',
  });
  expect(decideCreates(state, allowed, NOON + SECOND, many(1)).given).toEqual(['i0']);
});
