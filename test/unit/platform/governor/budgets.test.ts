import { describe, expect, it } from 'vitest';
import {
  type BudgetState,
  type Demand,
  sumOf,
  UNTOUCHED_BUDGET,
} from '../../../../functions/platform/governor/budget-state.ts';
import {
  countUsage,
  giveBack,
  hasBudget,
  takeFrom,
} from '../../../../functions/platform/governor/budgets.ts';

const NOON = Date.parse('2026-01-01T12:00:00Z');
const MIDNIGHT = Date.parse('2026-01-02T00:00:00Z');
const MINUTE = 60_000;

/** Returns the demand of instances with 4 vCPUs, 1 GPU and 16 GB each. */
const some = (...ids: string[]): Demand[] =>
  ids.map((instanceId) => ({ instanceId, vcpus: 4, gpus: 1, memoryGb: 16 }));
const numbered = (count: number, from = 0): Demand[] =>
  some(...Array.from({ length: count }, (_, at) => `i${from + at}`));

type Limits = Parameters<typeof takeFrom>[1];

/** Returns functions over one budget state. Each call replaces the state. */
function budget(limits: Limits) {
  let state: BudgetState = UNTOUCHED_BUDGET;
  return {
    take(wanted: Demand[], nowMs = NOON, location = 'east') {
      const next = takeFrom(state, limits, location, wanted, nowMs);
      state = next.state;
      return next.answer;
    },
    /** Counts the instances that a poll saw. @returns true if the poll writes the budget state */
    countUsage(live: Demand[], readAtMs: number, nowMs = readAtMs, location = 'east') {
      const next = countUsage(state, location, live, readAtMs, nowMs);
      state = next ?? state;
      return next !== undefined;
    },
    giveBack(...ids: string[]) {
      state = giveBack(state, ids);
    },
    sum: () => sumOf(state),
    reserved: () => state.reserved,
  };
}

it.each<[Limits, boolean]>([
  [{}, false],
  [{ totals: {} }, false],
  [{ createsPerMinute: 1 }, true],
  [{ createsPerDay: 1 }, true],
  [{ totals: { gpus: 1 } }, true],
])('hasBudget of %j returns %s', (limits, expected) => {
  expect(hasBudget(limits)).toBe(expected);
});

describe('creates of a minute', () => {
  it('createsPerMinute limits the creates in any 60 seconds', () => {
    const { take } = budget({ createsPerMinute: 3 });
    expect(take(some('a', 'b'))).toEqual({ taken: ['a', 'b'] });
    expect(take(some('c', 'd'), NOON + 30_000)).toEqual({
      taken: ['c'],
      refused: { reason: 'createsPerMinute', retryAtMs: NOON + MINUTE },
    });
    expect(take(some('d', 'e', 'f'), NOON + MINUTE)).toEqual({
      taken: ['d', 'e'],
      refused: { reason: 'createsPerMinute', retryAtMs: NOON + 90_000 },
    });
  });

  it('all creates of one second stop counting one minute after the last of these creates', () => {
    const { take } = budget({ createsPerMinute: 2 });
    take(some('a'), NOON);
    take(some('b'), NOON + 900);
    expect(take(some('c'), NOON + MINUTE).refused?.retryAtMs).toBe(NOON + MINUTE + 900);
    expect(take(some('c', 'd'), NOON + MINUTE + 900).taken).toEqual(['c', 'd']);
  });

  it('a budget keeps one entry for all creates of one second', () => {
    let state = UNTOUCHED_BUDGET;
    for (let at = 0; at < 1_000; at += 1) {
      const wanted = numbered(1, at);
      ({ state } = takeFrom(state, { createsPerMinute: 10_000 }, 'east', wanted, NOON + at * 100));
    }
    expect(state.minute.length).toBeLessThanOrEqual(61);
    expect(state.minute.reduce((sum, [, count]) => sum + count, 0)).toBeGreaterThanOrEqual(600);
  });
});

describe('creates of a day', () => {
  it('createsPerDay counts creates from midnight to midnight UTC', () => {
    const { take } = budget({ createsPerDay: 2 });
    expect(take(some('a', 'b', 'c'))).toEqual({
      taken: ['a', 'b'],
      refused: { reason: 'createsPerDay', retryAtMs: MIDNIGHT },
    });
    expect(take(some('c'), MIDNIGHT - 1).taken).toEqual([]);
    expect(take(some('c', 'd', 'e'), MIDNIGHT).taken).toEqual(['c', 'd']);
  });

  it('a launch that gives its budget back still counts towards createsPerDay', () => {
    const { take, giveBack } = budget({ createsPerDay: 1, totals: { instances: 1 } });
    take(some('a'));
    giveBack('a');
    expect(take(some('b')).refused).toEqual({ reason: 'createsPerDay', retryAtMs: MIDNIGHT });
  });

  it('creates of a worker whose clock is behind at midnight count towards the new day', () => {
    const { take } = budget({ createsPerDay: 1 });
    take(some('a'), MIDNIGHT);
    expect(take(some('b'), MIDNIGHT - 1).taken).toEqual([]);
  });
});

describe('totals', () => {
  it.each<[NonNullable<Limits['totals']>, string[], string | undefined]>([
    [{ instances: 2 }, ['a', 'b'], 'instances'],
    [{ vcpus: 8 }, ['a', 'b'], 'vcpus'],
    [{ vcpus: 11 }, ['a', 'b'], 'vcpus'],
    [{ gpus: 1 }, ['a'], 'gpus'],
    [{ memoryGb: 47.5 }, ['a', 'b'], 'memoryGb'],
    [{ instances: 3, vcpus: 12, gpus: 3, memoryGb: 48 }, ['a', 'b', 'c'], undefined],
  ])('totals of %j permit %j of the launches a, b and c', (totals, taken, reason) => {
    expect(budget({ totals }).take(some('a', 'b', 'c'))).toEqual({
      taken,
      ...(reason ? { refused: { reason } } : {}),
    });
  });

  it('a smaller launch does not overtake a larger launch that waits for a total', () => {
    const { take } = budget({ totals: { vcpus: 8 } });
    const [large] = some('large').map((one) => ({ ...one, vcpus: 6 }));
    expect(take([...some('a'), ...(large ? [large] : []), ...some('b')])).toEqual({
      taken: ['a'],
      refused: { reason: 'vcpus' },
    });
  });

  it('a launch does not wait for a launch whose demand alone exceeds a total', () => {
    const huge = { instanceId: 'huge', vcpus: 9, gpus: 0, memoryGb: 1 };
    expect(budget({ totals: { vcpus: 8 } }).take([huge, ...some('a')])).toEqual({
      taken: ['a'],
      refused: { reason: 'vcpus' },
    });
  });

  it('a launch that asks several times takes its share of the totals only once, even if it asks at several locations', () => {
    const { take, sum, reserved } = budget({ totals: { instances: 2 }, createsPerMinute: 2 });
    take(some('a', 'b'));
    expect(take(some('c', 'b', 'a'), NOON + 1_000).taken).toEqual(['b', 'a']);
    expect(take(some('a'), NOON + 2_000, 'west')).toEqual({ taken: ['a'] });
    expect(sum().instances).toBe(2);
    expect(Object.keys(reserved()['west'] ?? {})).toEqual(['a']);
    expect(Object.keys(reserved()['east'] ?? {})).toEqual(['b']);
  });

  it('a launch that gives its budget back frees its share of the totals', () => {
    const { take, giveBack } = budget({ totals: { instances: 1 } });
    take(some('a'));
    expect(take(some('b')).taken).toEqual([]);
    giveBack('a', 'unknown');
    expect(take(some('b')).taken).toEqual(['b']);
  });

  it('a launch without a known outcome counts for three minutes after its last request', () => {
    const { take } = budget({ totals: { instances: 2 } });
    take(some('a', 'b'));
    take(some('b'), NOON + MINUTE);
    expect(take(some('c', 'd'), NOON + 3 * MINUTE - 1).taken).toEqual([]);
    expect(take(some('c', 'd'), NOON + 3 * MINUTE).taken).toEqual(['c']);
  });

  it('totals limit the instances of all locations together', () => {
    const { take, countUsage } = budget({ totals: { instances: 3 } });
    expect(countUsage(some('x', 'y'), NOON, NOON, 'west')).toBe(true);
    expect(take(some('a', 'b')).taken).toEqual(['a']);
    countUsage(some('x'), NOON + 1_000, NOON + 1_000, 'west');
    expect(take(some('b', 'c')).taken).toEqual(['b']);
  });

  it('the instances of a site stop counting towards totals after half an hour without a poll that confirms them', () => {
    const { take, countUsage } = budget({ totals: { instances: 1 } });
    countUsage(some('x'), NOON);
    expect(countUsage(some('x'), NOON + 9 * MINUTE)).toBe(false);
    expect(countUsage(some('x'), NOON + 10 * MINUTE)).toBe(true);
    expect(take(some('a'), NOON + 40 * MINUTE - 1).taken).toEqual([]);
    expect(take(some('a'), NOON + 40 * MINUTE).taken).toEqual(['a']);
  });

  it('a budget has at most 5,000 reservations, and further launches must ask again after two seconds', () => {
    const { take } = budget({ totals: { instances: 100_000 } });
    const answer = take(numbered(6_000));
    expect(answer.taken).toHaveLength(5_000);
    expect(answer.refused).toEqual({ reason: 'instances', retryAtMs: NOON + 2_000 });
  });
});

describe('a poll', () => {
  it('polls write nothing while they see only reserved instances, and remove the reservations after a minute', () => {
    const { take, countUsage, sum, reserved } = budget({ totals: { instances: 9 } });
    take(some('a', 'b'));
    expect(countUsage(some('a', 'b'), NOON + 5_000)).toBe(false);
    expect(countUsage(some('a', 'b'), NOON + MINUTE)).toBe(true);
    expect(reserved()).toEqual({});
    expect(sum()).toEqual({ instances: 2, vcpus: 8, gpus: 2, memoryGb: 32 });
    expect(countUsage(some('a', 'b'), NOON + MINUTE + 5_000)).toBe(false);
  });

  it('a poll writes immediately when an instance is gone', () => {
    const { take, countUsage, sum } = budget({ totals: { instances: 9 } });
    countUsage(some('x', 'y'), NOON);
    take(some('a'), NOON);
    expect(countUsage(some('x', 'a'), NOON + 5_000)).toBe(true);
    expect(sum().instances).toBe(2);
    expect(countUsage([], NOON + 6_000)).toBe(true);
    expect(sum().instances).toBe(0);
    expect(countUsage([], NOON + 7_000)).toBe(false);
  });

  it('countUsage ignores a poll that began before the poll that was counted last', () => {
    const { take, countUsage, sum } = budget({ totals: { instances: 9 } });
    countUsage(some('x'), NOON);
    take(some('a'), NOON + 1_000);
    expect(countUsage(some('x', 'a'), NOON + 62_000)).toBe(true);
    expect(countUsage(some('x'), NOON + 500, NOON + 63_000)).toBe(false);
    expect(sum().instances).toBe(2);
  });

  it('a poll does not remove a reservation that was made after the poll began', () => {
    const { take, countUsage, reserved } = budget({ totals: { instances: 9 } });
    take(some('a'), NOON + 1_000);
    countUsage(some('a', 'x'), NOON, NOON + 2_000);
    expect(Object.keys(reserved()['east'] ?? {})).toEqual(['a']);
  });
});
