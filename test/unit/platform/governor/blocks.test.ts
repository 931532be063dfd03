import { describe, expect, it } from 'vitest';
import {
  applyFeedback,
  blockOf,
  type Feedback,
  isBlocked,
} from '../../../../functions/platform/governor/blocks.ts';
import type { SiteState } from '../../../../functions/platform/governor/site-state.ts';
import { NOON, site, want } from './wanted.ts';

const SECOND = 1_000;
const GO = { kind: 'none', isProbe: false };
const PROBE = { kind: 'none', isProbe: true };
const waits = (why: string) => ({ kind: 'for-now', why });

/** What is known after feedback at these times. */
const after = (...feedback: [Feedback, number][]): SiteState =>
  feedback.reduce((state, [feedback, atMs]) => applyFeedback(state, feedback, atMs), site());

it('a site that nothing is known about blocks no launch', () => {
  expect(blockOf(site(), want('a'), NOON)).toEqual(GO);
  expect(isBlocked(site())).toBe(false);
});

describe('a used up quota', () => {
  const full = () => after([{ kind: 'no-quota', wanted: want('a'), message: 'so many' }, NOON]);
  const refusal = { kind: 'permanent', failure: { code: 'QuotaExceeded', message: 'so many' } };

  it('closes its family of types, and no other', () => {
    expect(blockOf(full(), want('b', { instanceType: 'm6i.4xlarge' }), NOON)).toEqual(refusal);
    expect(blockOf(full(), want('b', { instanceType: 'm6g.large' }), NOON)).toEqual(GO);
  });

  it('is asked about by one after a minute, while the others wait for what it hears', () => {
    const state = full();
    expect(blockOf(state, want('b', { fleetId: 'other' }), NOON + 59 * SECOND)).toEqual(refusal);
    expect(blockOf(state, want('b'), NOON + 60 * SECOND)).toEqual(PROBE);
    expect(blockOf(state, want('c'), NOON + 60 * SECOND)).toEqual(waits('quota'));
    expect(blockOf(state, want('b'), NOON + 61 * SECOND)).toEqual(PROBE);
    const again = applyFeedback(
      state,
      { kind: 'no-quota', wanted: want('b'), message: 'so many' },
      NOON + 62 * SECOND,
    );
    expect(blockOf(again, want('c'), NOON + 62 * SECOND)).toEqual(refusal);
  });

  it('is asked about at once by a later round of a fleet that was refused, and by it alone', () => {
    const state = full();
    expect(blockOf(state, want('b', { round: 1 }), NOON + SECOND)).toEqual(refusal);
    expect(blockOf(state, want('b', { round: 2, fleetId: 'new' }), NOON + SECOND)).toEqual(refusal);
    expect(blockOf(state, want('b', { round: 2 }), NOON + SECOND)).toEqual(PROBE);
    expect(blockOf(state, want('c', { round: 2 }), NOON + SECOND)).toEqual(waits('quota'));
  });

  it('is forgotten with the first that is made, and after an hour', () => {
    const state = full();
    const open = applyFeedback(
      state,
      { kind: 'accepted', wanted: want('x', { instanceType: 'm6i.xlarge' }) },
      NOON,
    );
    expect(isBlocked(state)).toBe(true);
    expect(isBlocked(open)).toBe(false);
    expect(blockOf(open, want('b'), NOON)).toEqual(GO);
    const other = applyFeedback(
      state,
      { kind: 'accepted', wanted: want('x', { instanceType: 't3.small' }) },
      NOON,
    );
    expect(blockOf(other, want('b'), NOON)).toEqual(refusal);
    expect(blockOf(state, want('b'), NOON + 3_601 * SECOND)).toEqual(GO);
  });

  it('whose probe was never heard of is asked about by another', () => {
    const state = full();
    blockOf(state, want('b'), NOON + 60 * SECOND);
    expect(blockOf(state, want('c'), NOON + 179 * SECOND)).toEqual(waits('quota'));
    expect(blockOf(state, want('c'), NOON + 180 * SECOND)).toEqual(PROBE);
  });
});

describe('an outage', () => {
  const refusals = (count: number) =>
    after(...Array.from({ length: count }, (): [Feedback, number] => [{ kind: 'unavailable' }, NOON]));

  it('begins with the fifth refusal in a row', () => {
    expect(blockOf(refusals(4), want('a'), NOON)).toEqual(GO);
    expect(blockOf(refusals(5), want('a'), NOON)).toEqual(waits('outage'));
    const between = applyFeedback(refusals(4), { kind: 'accepted', wanted: want('a') }, NOON);
    expect(blockOf(applyFeedback(between, { kind: 'unavailable' }, NOON), want('a'), NOON)).toEqual(GO);
  });

  it.each([
    [5, 2],
    [6, 4],
    [9, 30],
    [10, 30],
    [30, 30],
  ])('is asked about by one launch, after %i refusals %i s later', (count, seconds) => {
    const state = refusals(count);
    expect(blockOf(state, want('a'), NOON + seconds * SECOND - 1)).toEqual(waits('outage'));
    expect(blockOf(state, want('a'), NOON + seconds * SECOND)).toEqual(PROBE);
    expect(blockOf(state, want('b'), NOON + seconds * SECOND)).toEqual(waits('outage'));
    // Its call may have its time only a moment later.
    expect(blockOf(state, want('a'), NOON + seconds * SECOND + 500)).toEqual(PROBE);
    const refused = applyFeedback(state, { kind: 'unavailable' }, NOON + (seconds + 1) * SECOND);
    expect(blockOf(refused, want('a'), NOON + (seconds + 1) * SECOND)).toEqual(waits('outage'));
  });

  it('is left after 30 s by who can go elsewhere, and given up after 120 s by the others', () => {
    const state = refusals(20);
    const waiting = (seconds: number, mayGoElsewhere: boolean) =>
      blockOf(state, want('a', { waitsSinceMs: NOON - seconds * SECOND, mayGoElsewhere }), NOON).kind;
    expect([29, 30].map((seconds) => waiting(seconds, true))).toEqual(['for-now', 'permanent']);
    expect([119, 120].map((seconds) => waiting(seconds, false))).toEqual(['for-now', 'permanent']);
  });

  it('is over with the first that is made', () => {
    const back = applyFeedback(refusals(9), { kind: 'accepted', wanted: want('a') }, NOON);
    expect(blockOf(back, want('b'), NOON)).toEqual(GO);
    expect(isBlocked(back)).toBe(false);
  });
});

describe('a lack of capacity', () => {
  const empty = () => after([{ kind: 'no-capacity', wanted: want('a') }, NOON]);
  const leave = { kind: 'permanent', failure: { code: 'InsufficientCapacity' } };

  it('is of one type in one zone', () => {
    const elsewhere = { mayGoElsewhere: true };
    expect(blockOf(empty(), want('b', elsewhere), NOON)).toMatchObject(leave);
    expect(blockOf(empty(), want('b', { ...elsewhere, instanceType: 'm6i.xlarge' }), NOON)).toEqual(GO);
    expect(blockOf(empty(), want('b', { ...elsewhere, zone: 'a' }), NOON)).toEqual(GO);
  });

  it('sends those away that have an elsewhere, and has the others wait behind one that asks', () => {
    const state = empty();
    expect(blockOf(state, want('b'), NOON)).toEqual(PROBE);
    expect(blockOf(state, want('c'), NOON)).toEqual(waits('capacity'));
    expect(blockOf(state, want('d', { mayGoElsewhere: true }), NOON)).toMatchObject(leave);
    expect(blockOf(state, want('b'), NOON + SECOND)).toEqual(PROBE);
  });

  it('is believed for five minutes', () => {
    const state = empty();
    const elsewhere = { mayGoElsewhere: true };
    expect(blockOf(state, want('b', elsewhere), NOON + 299 * SECOND)).toMatchObject(leave);
    expect(blockOf(state, want('b', elsewhere), NOON + 300 * SECOND)).toEqual(PROBE);
    expect(blockOf(state, want('c', elsewhere), NOON + 300 * SECOND)).toMatchObject(leave);
  });

  it('whose probe died is asked about by another', () => {
    const state = empty();
    blockOf(state, want('b'), NOON);
    expect(blockOf(state, want('c'), NOON + 119 * SECOND)).toEqual(waits('capacity'));
    expect(blockOf(state, want('c'), NOON + 120 * SECOND)).toEqual(PROBE);
    expect(blockOf(state, want('d'), NOON + 120 * SECOND)).toEqual(waits('capacity'));
  });
});

it('does not probe one block while another one stops the launch', () => {
  const known: [Feedback, number][] = [
    [{ kind: 'no-quota', wanted: want('a'), message: 'so many' }, NOON - 60 * SECOND],
    ...Array.from({ length: 9 }, (): [Feedback, number] => [{ kind: 'unavailable' }, NOON]),
  ];
  const state = after(...known);
  const before = structuredClone(state);
  expect(blockOf(state, want('b'), NOON)).toEqual(waits('outage'));
  expect(state).toEqual(before);
});
