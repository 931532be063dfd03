import { describe, expect, it } from 'vitest';
import {
  admit,
  continued,
  counts,
  mostPerDay,
  type Removal,
} from '../../../../functions/features/sweeps/sweep-cap.ts';
import { emptyHold, type HoldItem } from '../../../../functions/platform/store/sweep-holds.ts';

const HOUR = 3_600_000;
const NOW = 1_000 * HOUR;
const EMPTY = emptyHold({ connectionKey: 'sim/default/sim-aws', location: 'us-east-1' });

const removal = (at: number, over: Partial<Removal> = {}): Removal => ({
  backendId: `i-${at}`,
  firstSeenAtMs: NOW - HOUR + at,
  isAskedFor: false,
  ...over,
});
const removals = (from: number, count: number) =>
  Array.from({ length: count }, (_, at) => removal(from + at));

/** Runs `admit`, which decides what a sweep may remove. @returns the hold item to store, and the answer of `admit` */
function play(item: HoldItem, wanted: readonly Removal[], nowMs = NOW, most = 5) {
  const { state, answer } = admit(item, wanted, most, nowMs);
  return { item: state ?? item, admitted: [...answer.admitted].sort(), hold: answer.hold };
}

it.each([
  [0, 5],
  [119, 5],
  [120, 6],
  [10_000, 500],
])('at a site with %i machines, sweeps remove at most %i a day', (ours, most) => {
  expect(mostPerDay(ours)).toBe(most);
});

it('duplicates, machines of earlier attempts and network resources do not count towards the removal cap', () => {
  expect(counts('instance', 'duplicate')).toBe(false);
  expect(counts('instance', 'earlier-attempt')).toBe(false);
  expect(counts('network', 'no-record')).toBe(false);
  expect(counts('instance', 'record-closed')).toBe(true);
});

describe('admission', () => {
  it('the machines that were seen first are removed, up to the removal cap, and the other removals are held', () => {
    const { admitted, hold } = play(EMPTY, removals(0, 7).toReversed());
    expect(admitted).toEqual(['i-0', 'i-1', 'i-2', 'i-3', 'i-4']);
    expect(hold).toMatchObject({ because: 'cap', waiting: 2, sinceMs: NOW });
  });

  it('a machine counts only once towards the removal cap, even if its removal is requested again', () => {
    const first = play(EMPTY, removals(0, 4));
    const again = play(first.item, removals(0, 4), NOW + HOUR);
    expect(again.item).toBe(first.item);
    const more = play(again.item, [...removals(0, 4), removal(9)], NOW + HOUR);
    expect(more.admitted).toEqual(['i-0', 'i-1', 'i-2', 'i-3', 'i-9']);
    expect(more.hold).toBeUndefined();
  });

  it('a removal that an earlier sweep requested does not count towards the cap', () => {
    const asked = removals(0, 9).map((one) => ({ ...one, isAskedFor: true }));
    expect(play(EMPTY, asked)).toMatchObject({ hold: undefined, item: EMPTY });
  });

  it('a hold of removals lasts until an operator continues the sweeps, even if the day is over', () => {
    const held = play(EMPTY, removals(0, 6));
    const nextDay = play(held.item, [removal(5), ...removals(20, 3)], NOW + 25 * HOUR);
    expect(nextDay.admitted).toEqual([]);
    expect(nextDay.hold).toMatchObject({ waiting: 4, sinceMs: NOW });
  });

  it('a hold of removals ends when no removal is waiting', () => {
    const held = play(EMPTY, removals(0, 6));
    const calm = play(held.item, removals(0, 5), NOW + HOUR);
    expect(calm.hold).toBeUndefined();
    expect(calm.item.hold).toBeUndefined();
  });

  it('a removal counts towards the cap for 24 hours', () => {
    const first = play(EMPTY, removals(0, 5));
    expect(play(first.item, [removal(10)], NOW + 23 * HOUR).admitted).toEqual([]);
    expect(play(first.item, [removal(10)], NOW + 24 * HOUR).admitted).toEqual(['i-10']);
  });

  it('after an operator continues the sweeps, only machines that are found later count towards the cap', () => {
    const held = play(EMPTY, removals(0, 40));
    const item = continued(held.item, NOW + HOUR);
    const later = Array.from({ length: 7 }, (_, at) =>
      removal(100 + at, { firstSeenAtMs: NOW + HOUR + 1 + at }),
    );
    const after = play(item, [...removals(5, 35), ...later], NOW + 2 * HOUR);
    expect(after.admitted).toHaveLength(35 + 5);
    expect(after.hold).toMatchObject({ waiting: 2, sinceMs: NOW + 2 * HOUR });
  });
});
