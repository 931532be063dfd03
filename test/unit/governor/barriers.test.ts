import { describe, expect, it } from 'vitest';
import { barrierOf, isBarred, type Lesson, learn } from '../../../functions/platform/governor/barriers.ts';
import type { PlaceState } from '../../../functions/platform/governor/place-state.ts';
import { NOON, place, want } from './wanted.ts';

const SECOND = 1_000;
const GO = { stands: 'nothing', isProbe: false };
const PROBE = { stands: 'nothing', isProbe: true };
const waits = (why: string) => ({ stands: 'for-now', why });

/** What is known after lessons that came at these times. */
const after = (...lessons: [Lesson, number][]): PlaceState =>
  lessons.reduce((state, [lesson, atMs]) => learn(state, lesson, atMs), place());

it('stands in nobody’s way where nothing is known', () => {
  expect(barrierOf(place(), want('a'), NOON)).toEqual(GO);
  expect(isBarred(place())).toBe(false);
});

describe('a used up quota', () => {
  const full = () => after([{ learnt: 'no-quota', wanted: want('a'), message: 'so many' }, NOON]);
  const refusal = { stands: 'for-good', failure: { code: 'QuotaExceeded', message: 'so many' } };

  it('closes its family of types, and no other', () => {
    expect(barrierOf(full(), want('b', { instanceType: 'm6i.4xlarge' }), NOON)).toEqual(refusal);
    expect(barrierOf(full(), want('b', { instanceType: 'm6g.large' }), NOON)).toEqual(GO);
  });

  it('is asked about by one after a minute, while the others wait for what it hears', () => {
    const state = full();
    expect(barrierOf(state, want('b', { fleetId: 'other' }), NOON + 59 * SECOND)).toEqual(refusal);
    expect(barrierOf(state, want('b'), NOON + 60 * SECOND)).toEqual(PROBE);
    expect(barrierOf(state, want('c'), NOON + 60 * SECOND)).toEqual(waits('quota'));
    expect(barrierOf(state, want('b'), NOON + 61 * SECOND)).toEqual(PROBE);
    const again = learn(
      state,
      { learnt: 'no-quota', wanted: want('b'), message: 'so many' },
      NOON + 62 * SECOND,
    );
    expect(barrierOf(again, want('c'), NOON + 62 * SECOND)).toEqual(refusal);
  });

  it('is asked about at once by a later round of a fleet that was refused, and by it alone', () => {
    const state = full();
    expect(barrierOf(state, want('b', { round: 1 }), NOON + SECOND)).toEqual(refusal);
    expect(barrierOf(state, want('b', { round: 2, fleetId: 'new' }), NOON + SECOND)).toEqual(refusal);
    expect(barrierOf(state, want('b', { round: 2 }), NOON + SECOND)).toEqual(PROBE);
    expect(barrierOf(state, want('c', { round: 2 }), NOON + SECOND)).toEqual(waits('quota'));
  });

  it('is forgotten with the first that is made, and after an hour', () => {
    const state = full();
    const open = learn(
      state,
      { learnt: 'accepted', wanted: want('x', { instanceType: 'm6i.xlarge' }) },
      NOON,
    );
    expect(isBarred(state)).toBe(true);
    expect(isBarred(open)).toBe(false);
    expect(barrierOf(open, want('b'), NOON)).toEqual(GO);
    const other = learn(state, { learnt: 'accepted', wanted: want('x', { instanceType: 't3.small' }) }, NOON);
    expect(barrierOf(other, want('b'), NOON)).toEqual(refusal);
    expect(barrierOf(state, want('b'), NOON + 3_601 * SECOND)).toEqual(GO);
  });

  it('whose probe was never heard of is asked about by another', () => {
    const state = full();
    barrierOf(state, want('b'), NOON + 60 * SECOND);
    expect(barrierOf(state, want('c'), NOON + 179 * SECOND)).toEqual(waits('quota'));
    expect(barrierOf(state, want('c'), NOON + 180 * SECOND)).toEqual(PROBE);
  });
});

describe('an outage', () => {
  const refusals = (count: number) =>
    after(...Array.from({ length: count }, (): [Lesson, number] => [{ learnt: 'unavailable' }, NOON]));

  it('begins with the fifth refusal in a row', () => {
    expect(barrierOf(refusals(4), want('a'), NOON)).toEqual(GO);
    expect(barrierOf(refusals(5), want('a'), NOON)).toEqual(waits('outage'));
    const between = learn(refusals(4), { learnt: 'accepted', wanted: want('a') }, NOON);
    expect(barrierOf(learn(between, { learnt: 'unavailable' }, NOON), want('a'), NOON)).toEqual(GO);
  });

  it.each([
    [5, 2],
    [6, 4],
    [9, 30],
    [10, 30],
    [30, 30],
  ])('is asked about by one launch, after %i refusals %i s later', (count, seconds) => {
    const state = refusals(count);
    expect(barrierOf(state, want('a'), NOON + seconds * SECOND - 1)).toEqual(waits('outage'));
    expect(barrierOf(state, want('a'), NOON + seconds * SECOND)).toEqual(PROBE);
    expect(barrierOf(state, want('b'), NOON + seconds * SECOND)).toEqual(waits('outage'));
    // Its call may have its time only a moment later.
    expect(barrierOf(state, want('a'), NOON + seconds * SECOND + 500)).toEqual(PROBE);
    const refused = learn(state, { learnt: 'unavailable' }, NOON + (seconds + 1) * SECOND);
    expect(barrierOf(refused, want('a'), NOON + (seconds + 1) * SECOND)).toEqual(waits('outage'));
  });

  it('is left after 30 s by who can go elsewhere, and given up after 120 s by the others', () => {
    const state = refusals(20);
    const waiting = (seconds: number, mayGoElsewhere: boolean) =>
      barrierOf(state, want('a', { waitsSinceMs: NOON - seconds * SECOND, mayGoElsewhere }), NOON).stands;
    expect([29, 30].map((seconds) => waiting(seconds, true))).toEqual(['for-now', 'for-good']);
    expect([119, 120].map((seconds) => waiting(seconds, false))).toEqual(['for-now', 'for-good']);
  });

  it('is over with the first that is made', () => {
    const back = learn(refusals(9), { learnt: 'accepted', wanted: want('a') }, NOON);
    expect(barrierOf(back, want('b'), NOON)).toEqual(GO);
    expect(isBarred(back)).toBe(false);
  });
});

describe('a lack of capacity', () => {
  const empty = () => after([{ learnt: 'no-capacity', wanted: want('a') }, NOON]);
  const leave = { stands: 'for-good', failure: { code: 'InsufficientCapacity' } };

  it('is of one type in one zone', () => {
    const elsewhere = { mayGoElsewhere: true };
    expect(barrierOf(empty(), want('b', elsewhere), NOON)).toMatchObject(leave);
    expect(barrierOf(empty(), want('b', { ...elsewhere, instanceType: 'm6i.xlarge' }), NOON)).toEqual(GO);
    expect(barrierOf(empty(), want('b', { ...elsewhere, zone: 'a' }), NOON)).toEqual(GO);
  });

  it('sends those away that have an elsewhere, and has the others wait behind one that asks', () => {
    const state = empty();
    expect(barrierOf(state, want('b'), NOON)).toEqual(PROBE);
    expect(barrierOf(state, want('c'), NOON)).toEqual(waits('capacity'));
    expect(barrierOf(state, want('d', { mayGoElsewhere: true }), NOON)).toMatchObject(leave);
    expect(barrierOf(state, want('b'), NOON + SECOND)).toEqual(PROBE);
  });

  it('is believed for five minutes', () => {
    const state = empty();
    const elsewhere = { mayGoElsewhere: true };
    expect(barrierOf(state, want('b', elsewhere), NOON + 299 * SECOND)).toMatchObject(leave);
    expect(barrierOf(state, want('b', elsewhere), NOON + 300 * SECOND)).toEqual(PROBE);
    expect(barrierOf(state, want('c', elsewhere), NOON + 300 * SECOND)).toMatchObject(leave);
  });

  it('whose probe died is asked about by another', () => {
    const state = empty();
    barrierOf(state, want('b'), NOON);
    expect(barrierOf(state, want('c'), NOON + 119 * SECOND)).toEqual(waits('capacity'));
    expect(barrierOf(state, want('c'), NOON + 120 * SECOND)).toEqual(PROBE);
    expect(barrierOf(state, want('d'), NOON + 120 * SECOND)).toEqual(waits('capacity'));
  });
});

it('lets nobody be the probe of one thing who is kept back by another', () => {
  const known: [Lesson, number][] = [
    [{ learnt: 'no-quota', wanted: want('a'), message: 'so many' }, NOON - 60 * SECOND],
    ...Array.from({ length: 9 }, (): [Lesson, number] => [{ learnt: 'unavailable' }, NOON]),
  ];
  const state = after(...known);
  const before = structuredClone(state);
  expect(barrierOf(state, want('b'), NOON)).toEqual(waits('outage'));
  expect(state).toEqual(before);
});
