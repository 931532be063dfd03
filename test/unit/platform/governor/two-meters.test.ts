import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instanceId } from '../../../../functions/model/identifiers.ts';
import type { LimitProfile } from '../../../../functions/model/limit-profile.ts';
import type { Rate } from '../../../../functions/model/rate.ts';
import {
  countCreate,
  createsBlockedUntilMs,
  nextCreateMs,
  noteCreate,
  recountCreates,
  scheduleShared,
  sendCreate,
  slowCreates,
} from '../../../../functions/platform/governor/create-meters.ts';
import { decideCreates } from '../../../../functions/platform/governor/decide-creates.ts';
import { leavesLate } from '../../../../functions/platform/governor/rate.ts';
import { createRates } from '../../../../functions/platform/governor/rate-limits.ts';
import { type SiteState, siteStateSchema } from '../../../../functions/platform/governor/site-state.ts';
import { MOST_HELD } from '../../../../functions/platform/governor/slots.ts';
import { cloudMeter } from './cloud-meter.ts';
import { limits, NOON, site, want } from './wanted.ts';

/** Launches that arrive together. The calls of this request leave `lateMs` after they were counted. */
interface Request {
  atMs: number;
  count: number;
  lateMs: number;
}

interface Case {
  calls: Rate;
  machines: Rate;
  /** Maximum number of machines of a call. */
  most: number;
  requests: readonly Request[];
  /** Delays in ms of messages after their start times. Each message takes the next one. */
  delaysMs: readonly number[];
  /** True if the launches of a call come back in separate messages. */
  isSplit: boolean;
}

interface Outcome {
  launched: number;
  refusedCalls: number;
  calls: number;
  largestCall: number;
  endedAtMs: number;
}

/** A call that has left, with its number of machines. */
interface Left {
  atMs: number;
  machines: number;
}

const MAX_STEPS = 20_000;
const FLEET = 'f1kdvdnb97d98z6rm';

/** Runs launches until each was part of a call that left. The cloud then counts the calls in the order of their times. */
function run({ calls, machines, most, requests, delaysMs, isSplit }: Case): Outcome {
  const allowed: LimitProfile = {
    ...limits({ concurrentInstancesPerLocation: 1_000 }),
    calls: { ...limits({}).calls, create: calls },
    instances: machines,
  };
  const rates = createRates(allowed);
  let state: SiteState = site();
  let [launched, messages, steps] = [0, 0, 0];
  const left: Left[] = [];
  const due: { atMs: number; act: (nowMs: number) => void }[] = [];
  const at = (atMs: number, act: (nowMs: number) => void) => {
    const place = due.findIndex((other) => other.atMs > atMs);
    due.splice(place < 0 ? due.length : place, 0, { atMs, act });
  };
  // A table keeps the state as JSON between two decisions, also over a restart of all workers.
  const keep = (next: SiteState) => {
    state = siteStateSchema.parse(JSON.parse(JSON.stringify(siteStateSchema.encode(next))));
  };
  const leave = (nowMs: number, sizes: readonly number[], countedAtMs: number) => {
    const { sent, state: next } = leavesLate(countedAtMs, nowMs)
      ? recountCreates(state, rates, nowMs, { sizes, countedAtMs })
      : { sent: sizes.length, state };
    if (sent > 0) keep(next);
    for (const machines of sizes.slice(0, sent)) {
      left.push({ atMs: nowMs, machines });
      launched += machines;
    }
    if (sent < sizes.length)
      at(nowMs + 200, (laterMs) => leave(laterMs, sizes.slice(sent), sent > 0 ? nowMs : countedAtMs));
  };
  const ask = (nowMs: number, ids: readonly string[], lateMs: number) => {
    const decided = decideCreates(
      state,
      allowed,
      nowMs,
      ids.map((id) => want(id, { call: { key: 'f workers', most } })),
    );
    if (decided.state) keep(decided.state);
    const going = new Map<string, number>();
    const later = new Map<string, { startMs: number; ids: string[] }>();
    for (const [id, decision] of decided.decisions) {
      if (decision.action === 'allow') {
        const call = decision.call ?? id;
        going.set(call, (going.get(call) ?? 0) + 1);
      } else {
        const startMs = decision.action === 'scheduleAt' ? decision.startMs : nowMs + 10_000;
        const call = decision.action === 'scheduleAt' && !isSplit ? (decision.call ?? id) : id;
        const known = later.get(call)?.ids ?? [];
        later.set(call, { startMs, ids: [...known, id] });
      }
    }
    if (going.size > 0) at(nowMs + lateMs, (laterMs) => leave(laterMs, [...going.values()], nowMs));
    for (const { startMs, ids: together } of later.values()) {
      messages += 1;
      const delayMs = delaysMs[messages % delaysMs.length] ?? 0;
      at(Math.ceil(startMs) + delayMs, (laterMs) => ask(laterMs, together, lateMs));
    }
  };
  for (const [number, { atMs, count, lateMs }] of requests.entries()) {
    const ids = Array.from({ length: count }, (_, one) =>
      instanceId({ fleetId: FLEET, index: number * 100 + one }),
    );
    at(atMs, (nowMs) => ask(nowMs, ids, lateMs));
  }
  let endedAtMs = NOON;
  for (let next = due.shift(); next && steps < MAX_STEPS; next = due.shift()) {
    steps += 1;
    endedAtMs = next.atMs;
    next.act(next.atMs);
  }
  const [ofCalls, ofMachines] = [cloudMeter(calls), cloudMeter(machines)];
  const inOrder = left.toSorted((one, other) => one.atMs - other.atMs);
  const refused = inOrder.filter(
    (one) => !ofCalls.takes(one.atMs, 1) || !ofMachines.takes(one.atMs, one.machines),
  );
  const sizes = left.map((one) => one.machines);
  return {
    launched,
    refusedCalls: refused.length,
    calls: left.length,
    largestCall: Math.max(0, ...sizes),
    endedAtMs,
  };
}

const bucket = fc
  .record({ perSecond: fc.integer({ min: 1, max: 10 }), seconds: fc.integer({ min: 1, max: 60 }) })
  .map(({ perSecond, seconds }): Rate => ({ perSecond, burst: Math.max(2, perSecond * seconds) }));
/** Bursts that last little longer than the reserve for late calls, or that are too small for any. */
const shortBucket = fc.oneof(
  fc
    .record({ perSecond: fc.integer({ min: 1, max: 40 }), burstMs: fc.integer({ min: 200, max: 1_000 }) })
    .map(
      ({ perSecond, burstMs }): Rate => ({
        perSecond,
        burst: Math.max(2, 1 + (perSecond * burstMs) / 1_000),
      }),
    ),
  fc
    .record({
      perSecond: fc.integer({ min: 1, max: 5 }),
      burst: fc.double({ min: 1, max: 1.99, noNaN: true }),
    })
    .map((one): Rate => one),
);
const window = fc.record({
  count: fc.integer({ min: 1, max: 60 }),
  windowSeconds: fc.constantFrom(1, 5, 20),
});
const rate = fc.oneof(bucket, shortBucket, window);
const request = fc.record({
  atMs: fc.nat(15_000).map((afterMs) => NOON + afterMs),
  count: fc.integer({ min: 1, max: 12 }),
  lateMs: fc.oneof(fc.constant(0), fc.nat(90), fc.nat(3_000)),
});
const anyCase = fc.record({
  calls: rate,
  machines: rate,
  most: fc.integer({ min: 1, max: 12 }),
  requests: fc.array(request, { maxLength: 12 }),
  delaysMs: fc.array(fc.nat(12_000), { minLength: 1, maxLength: 12 }),
  isSplit: fc.boolean(),
});

describe('two meters', () => {
  it.each<[string, Partial<Case>]>([
    [
      'a call leaves a little late, and the next one a little early',
      {
        calls: { perSecond: 1, burst: 3 },
        machines: { perSecond: 8, burst: 8 },
        requests: [
          { atMs: NOON, count: 1, lateMs: 0 },
          { atMs: NOON + 908, count: 6, lateMs: 68 },
          { atMs: NOON + 1_100, count: 3, lateMs: 0 },
        ],
      },
    ],
    [
      'the rate of calls delays a call until just after the window of machines begins',
      {
        calls: { perSecond: 4, burst: 1 },
        machines: { count: 1, windowSeconds: 1 },
        most: 1,
        requests: [
          { atMs: NOON, count: 4, lateMs: 0 },
          { atMs: NOON + 6_800, count: 5, lateMs: 0 },
        ],
        delaysMs: [0, 0, 5_450, 8_800],
      },
    ],
  ])('no call is refused if %s', (_why, some) => {
    const one: Case = {
      calls: { perSecond: 10, burst: 100 },
      machines: { perSecond: 10, burst: 100 },
      most: 3,
      requests: [],
      delaysMs: [0],
      isSplit: false,
      ...some,
    };
    const launched = one.requests.reduce((sum, { count }) => sum + count, 0);
    expect(run(one)).toMatchObject({ launched, refusedCalls: 0 });
  });

  it('every launch gets a call, and a cloud that meters calls and machines apart refuses none, however late', () => {
    fc.assert(
      fc.property(anyCase, (one) => {
        const wanted = one.requests.reduce((sum, { count }) => sum + count, 0);
        const { launched, refusedCalls, largestCall } = run(one);
        expect({ launched, refusedCalls }).toEqual({ launched: wanted, refusedCalls: 0 });
        expect(largestCall).toBeLessThanOrEqual(one.most);
      }),
      { numRuns: 400 },
    );
  });

  it.each<[Rate, number, number]>([
    [{ perSecond: 20, burst: 1_000 }, 1_000, 2_500],
    [{ perSecond: 2, burst: 5 }, 10, 4_500],
    [{ perSecond: 1, burst: 1 }, 3, 3_500],
    [{ count: 4, windowSeconds: 60 }, 10, 120_000],
  ])(
    'a call for more machines than %j ever allows together goes out after a pause, and delays later calls',
    (rate, machines, restMs) => {
      const rates = { calls: { perSecond: 100, burst: 100 }, machines: rate };
      const first = scheduleShared(site(), rates, NOON, machines);
      expect(first.startMs).toBe(NOON);
      expect(sendCreate(first.state, rates, NOON, { calls: 1, machines })).toBeDefined();
      const second = scheduleShared(first.state, rates, NOON, 1);
      expect(second.startMs).toBeGreaterThan(NOON);
      const after = scheduleShared(first.state, rates, NOON, machines);
      expect(after.startMs).toBeGreaterThanOrEqual(NOON + restMs);
    },
  );

  const ec2: LimitProfile = {
    ...limits({}),
    calls: { ...limits({}).calls, create: { perSecond: 2, burst: 5 } },
    instances: { perSecond: 2, burst: 1_000 },
  };
  const { concurrentInstancesPerLocation: _slots, ...withoutSlots } = ec2;
  const launches = (count: number, most = 100, key = 'f workers') =>
    Array.from({ length: count }, (_, index) =>
      want(instanceId({ fleetId: FLEET, index }), { call: { key, most } }),
    );

  it('launches that may share a call take one call, and a call of a full size is followed by another one', () => {
    const { decisions, state } = decideCreates(site(), withoutSlots, NOON, launches(250));
    const calls = Map.groupBy(decisions.values(), (one) => (one.action === 'allow' ? one.call : one.action));
    expect([...calls.values()].map(({ length }) => length)).toEqual([100, 100, 50]);
    expect(Object.keys(state?.holders ?? {})).toHaveLength(250);
  });

  it('a thousand machines go out at once, and further machines wait for the rate of machines', () => {
    const { decisions } = decideCreates(site(), withoutSlots, NOON, launches(1_100, 1_000));
    const starts = [...decisions.values()].map((one) =>
      one.action === 'allow' ? 0 : one.action === 'scheduleAt' ? one.startMs - NOON : Infinity,
    );
    // Tokens are kept for calls that arrive late.
    expect(starts.filter((startMs) => startMs === 0)).toHaveLength(999);
    expect(starts[1_002]).toBeGreaterThan(1_000);
    expect(starts[1_100 - 1]).toBeGreaterThan(49_000);
  });

  it('a call that cannot go out at its start time keeps the places of its machines', () => {
    const wanted = launches(1_000);
    const first = decideCreates(site(), withoutSlots, NOON, wanted);
    const going = wanted.filter(({ instanceId: id }) => first.decisions.get(id)?.action === 'allow');
    // The first calls leave late, so that the next one would go out too soon after them.
    const late = { sizes: Array.from({ length: going.length / 100 }, () => 100), countedAtMs: NOON };
    let { state } = recountCreates(first.state ?? site(), createRates(withoutSlots), NOON + 400, late);
    let waiting = wanted.filter((one) => !going.includes(one));
    let atMs = NOON;
    while (waiting.length > 0) {
      atMs = Math.min(...waiting.map(({ instanceId: id }) => state.holders[id] ?? Number.NaN));
      const due = waiting.filter(({ instanceId: id }) => state.holders[id] === atMs);
      const { decisions, state: next } = decideCreates(state, withoutSlots, atMs, due);
      state = next ?? state;
      waiting = waiting.filter(({ instanceId: id }) => decisions.get(id)?.action !== 'allow');
    }
    // Ten calls, of which five go out at once and then two a second, take 2.5 s.
    expect(atMs - NOON).toBeLessThan(6_000);
  });

  it('launches of different requests, zones or fleets never share a call', () => {
    const [first, second, third] = launches(3);
    const wanted = [first, { ...second, zone: 'b' }, { ...third, call: { key: 'g workers', most: 100 } }];
    const known = wanted.map((one) => want(one?.instanceId ?? '', one));
    const { decisions } = decideCreates(site(), withoutSlots, NOON, known);
    const calls = [...decisions.values()].map((one) => (one.action === 'allow' ? one.call : undefined));
    expect(new Set(calls).size).toBe(3);
  });

  it('launches whose common start time has come share a call again', () => {
    const slow = { ...withoutSlots, calls: { ...ec2.calls, create: { perSecond: 1, burst: 1 } } };
    const busy = decideCreates(site(), slow, NOON, launches(1, 10, 'other'));
    const ids = launches(5).map((one, at) => ({
      ...one,
      instanceId: instanceId({ fleetId: FLEET, index: 10 + at }),
    }));
    const later = decideCreates(busy.state ?? site(), slow, NOON, ids);
    const [start] = [...later.decisions.values()];
    const startMs = start?.action === 'scheduleAt' ? start.startMs : 0;
    expect(new Set([...later.decisions.values()].map((one) => JSON.stringify(one))).size).toBe(1);
    const atLast = decideCreates(later.state ?? site(), slow, startMs, ids);
    expect([...atLast.decisions.values()]).toEqual(ids.map(() => ({ action: 'allow', call: '1' })));
  });

  it('with a window of a minute, all its calls go out in each minute, and none is saved for the next', () => {
    const minute: LimitProfile = {
      ...withoutSlots,
      calls: { ...ec2.calls, create: { count: 30, windowSeconds: 60 } },
      instances: { count: 1_000, windowSeconds: 60 },
    };
    const idle = NOON + 50_000;
    const { decisions } = decideCreates(site(), minute, idle, launches(70, 1));
    const starts = [...decisions.values()].map((one) =>
      one.action === 'allow' ? 0 : one.action === 'scheduleAt' ? one.startMs - idle : 'queued',
    );
    expect(starts.filter((start) => start === 0)).toHaveLength(30);
    expect(starts.filter((start) => start === 10_100)).toHaveLength(30);
    expect(starts.filter((start) => start === 'queued')).toHaveLength(10);
  });

  it('a cloud without slots still has a bound, so that the item of a site stays small', () => {
    const holders = Object.fromEntries(
      Array.from({ length: MOST_HELD }, (_, index) => [instanceId({ fleetId: FLEET, index }), NOON]),
    );
    const one = want(instanceId({ fleetId: FLEET, index: MOST_HELD }));
    const { decisions } = decideCreates(site({ holders }), withoutSlots, NOON, [one]);
    expect([...decisions.values()]).toEqual([{ action: 'queue', why: 'slots' }]);
  });
});

describe('a throttle of a cloud with two meters', () => {
  const rates = { calls: { perSecond: 2, burst: 5 }, machines: { perSecond: 2, burst: 1_000 } };
  const slow = (state: SiteState, nowMs: number, more: object = {}) =>
    slowCreates(state, rates, nowMs, {
      meter: 'unknown',
      calledAtMs: nowMs - 100,
      isCounted: true,
      ...more,
    });
  const multipliers = (state: SiteState) => [
    state.slowed?.multiplier ?? 1,
    state.machines?.slowed?.multiplier ?? 1,
  ];
  const used = (calls: number, machines: number) => {
    let state = site();
    for (let call = 0; call < calls; call += 1)
      state = countCreate(state, rates, NOON, { calls: 1, machines: machines / calls });
    return state;
  };

  it('slows down the meter of which less is left', () => {
    expect(multipliers(slow(used(5, 50), NOON + 100))).toEqual([0.5, 1]);
    expect(multipliers(slow(used(1, 990), NOON + 100))).toEqual([1, 0.5]);
  });

  it('slows down both meters if the cloud throttles again before it has accepted a call', () => {
    const once = slow(used(5, 50), NOON + 100);
    expect(multipliers(slow(once, NOON + 3_000))).toEqual([0.5, 0.5]);
    let accepted = noteCreate(once);
    for (let call = 0; call < 3; call += 1)
      accepted = countCreate(accepted, rates, NOON + 2_900, { calls: 1, machines: 1 });
    expect(multipliers(slow(accepted, NOON + 3_000))[1]).toBe(1);
  });

  it('slows down one meter once for calls that were under way together', () => {
    const once = slow(used(5, 50), NOON + 100);
    expect(multipliers(slow(once, NOON + 150))).toEqual([0.5, 1]);
  });

  it('slows down the meter that the cloud names, to the rate that the cloud states', () => {
    const told = slow(used(5, 50), NOON + 100, { meter: 'machines', limitPerSecond: 1 });
    expect(multipliers(told)).toEqual([1, 0.5]);
  });

  it('slows down both meters if the same part of both is left', () => {
    const same = { calls: { perSecond: 2, burst: 5 }, machines: { perSecond: 2, burst: 5 } };
    const slowed = slowCreates(site(), same, NOON, { meter: 'unknown', calledAtMs: NOON });
    expect(multipliers(slowed)).toEqual([0.5, 0.5]);
  });

  it('no call goes out during the pause, whichever meter was slowed down', () => {
    const slowed = slow(used(1, 990), NOON + 100, { retryAfterMs: 7_000 });
    expect(createsBlockedUntilMs(slowed)).toBe(NOON + 7_100);
    expect(nextCreateMs(slowed, rates, NOON + 200)).toBeGreaterThanOrEqual(NOON + 7_100);
  });
});
