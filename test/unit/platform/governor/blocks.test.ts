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

/** Returns the site's state after all feedback. Each feedback is applied at its own time, in ms. */
const after = (...feedback: [Feedback, number][]): SiteState =>
  feedback.reduce((state, [feedback, atMs]) => applyFeedback(state, feedback, atMs), site());

it('a site without feedback blocks no launch', () => {
  expect(blockOf(site(), want('a'), NOON)).toEqual(GO);
  expect(isBlocked(site())).toBe(false);
});

describe('a used-up quota', () => {
  const full = () => after([{ kind: 'no-quota', wanted: want('a'), message: 'so many' }, NOON]);
  const refusal = { kind: 'permanent', failure: { code: 'QuotaExceeded', message: 'so many' } };

  it('a used-up quota blocks only launches of the quota’s family of instance types', () => {
    expect(blockOf(full(), want('b', { instanceType: 'm6i.4xlarge' }), NOON)).toEqual(refusal);
    expect(blockOf(full(), want('b', { instanceType: 'm6g.large' }), NOON)).toEqual(GO);
  });

  it('after a minute, one launch may probe a used-up quota with its create call, and other launches wait for the outcome', () => {
    const state = full();
    expect(blockOf(state, want('b', { fleetId: 'other' }), NOON + 59 * SECOND)).toMatchObject({
      kind: 'permanent',
      failure: { code: 'QuotaExceeded', message: expect.stringMatching(/^so many \(a request of fleet /) },
    });
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

  it('a used-up quota is probed immediately by a later round of any fleet, but not by a first round', () => {
    const state = full();
    expect(blockOf(state, want('b', { round: 1 }), NOON + SECOND)).toEqual(refusal);
    expect(blockOf(state, want('b', { round: 1, fleetId: 'new' }), NOON + SECOND).kind).toBe('permanent');
    expect(blockOf(full(), want('b', { round: 2, fleetId: 'new' }), NOON + SECOND)).toEqual(PROBE);
    expect(blockOf(state, want('b', { round: 2 }), NOON + SECOND)).toEqual(PROBE);
    expect(blockOf(state, want('c', { round: 2 }), NOON + SECOND)).toEqual(waits('quota'));
  });

  it('a used-up quota stops blocking launches after an accepted create of its family, or after an hour', () => {
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

  it('another launch probes a used-up quota if the first probe has no outcome after two minutes', () => {
    const state = full();
    blockOf(state, want('b'), NOON + 60 * SECOND);
    expect(blockOf(state, want('c'), NOON + 179 * SECOND)).toEqual(waits('quota'));
    expect(blockOf(state, want('c'), NOON + 180 * SECOND)).toEqual(PROBE);
  });
});

describe('an outage', () => {
  const refusals = (count: number) =>
    after(...Array.from({ length: count }, (): [Feedback, number] => [{ kind: 'unavailable' }, NOON]));

  it('an outage begins at the fifth refusal in a row', () => {
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
  ])(
    'after %i refusals in a row, one launch probes the site %i s later and other launches wait',
    (count, seconds) => {
      const state = refusals(count);
      expect(blockOf(state, want('a'), NOON + seconds * SECOND - 1)).toEqual(waits('outage'));
      expect(blockOf(state, want('a'), NOON + seconds * SECOND)).toEqual(PROBE);
      expect(blockOf(state, want('b'), NOON + seconds * SECOND)).toEqual(waits('outage'));
      // The probe's call may be scheduled a moment later. The launch is still the probe at that time.
      expect(blockOf(state, want('a'), NOON + seconds * SECOND + 500)).toEqual(PROBE);
      const refused = applyFeedback(state, { kind: 'unavailable' }, NOON + (seconds + 1) * SECOND);
      expect(blockOf(refused, want('a'), NOON + (seconds + 1) * SECOND)).toEqual(waits('outage'));
    },
  );

  it('during an outage, a launch that may move leaves the site after 30 s, and any other launch fails after 120 s', () => {
    const state = refusals(20);
    const waiting = (seconds: number, mayGoElsewhere: boolean) =>
      blockOf(state, want('a', { waitsSinceMs: NOON - seconds * SECOND, mayGoElsewhere }), NOON);
    expect([29, 30].map((seconds) => waiting(seconds, true).kind)).toEqual(['for-now', 'permanent']);
    expect([119, 120].map((seconds) => waiting(seconds, false).kind)).toEqual(['for-now', 'permanent']);
    expect(waiting(119, true)).toMatchObject({ failure: { wouldWait: true } });
    expect(waiting(120, true)).not.toMatchObject({ failure: { wouldWait: true } });
  });

  it('an accepted create ends an outage', () => {
    const back = applyFeedback(refusals(9), { kind: 'accepted', wanted: want('a') }, NOON);
    expect(blockOf(back, want('b'), NOON)).toEqual(GO);
    expect(isBlocked(back)).toBe(false);
  });
});

describe('a lack of capacity', () => {
  const empty = () => after([{ kind: 'no-capacity', wanted: want('a') }, NOON]);
  const leave = { kind: 'permanent', failure: { code: 'InsufficientCapacity' } };

  it('a lack of capacity blocks only launches of its instance type in its zone', () => {
    const elsewhere = { mayGoElsewhere: true };
    expect(blockOf(empty(), want('b', elsewhere), NOON)).toMatchObject(leave);
    expect(blockOf(empty(), want('b', { ...elsewhere, instanceType: 'm6i.xlarge' }), NOON)).toEqual(GO);
    expect(blockOf(empty(), want('b', { ...elsewhere, zone: 'a' }), NOON)).toEqual(GO);
  });

  it('a launch that may move leaves a site without capacity, and launches that may not move wait for one probe', () => {
    const state = empty();
    expect(blockOf(state, want('b'), NOON)).toEqual(PROBE);
    expect(blockOf(state, want('c'), NOON)).toEqual(waits('capacity'));
    expect(blockOf(state, want('d', { mayGoElsewhere: true }), NOON)).toMatchObject(leave);
    expect(blockOf(state, want('b'), NOON + SECOND)).toEqual(PROBE);
  });

  it('a lack of capacity is cached for five minutes, and then one launch probes the capacity', () => {
    const state = empty();
    const elsewhere = { mayGoElsewhere: true };
    expect(blockOf(state, want('b', elsewhere), NOON + 299 * SECOND)).toMatchObject(leave);
    expect(blockOf(state, want('b', elsewhere), NOON + 300 * SECOND)).toEqual(PROBE);
    expect(blockOf(state, want('c', elsewhere), NOON + 300 * SECOND)).toMatchObject(leave);
  });

  it('another launch probes a lack of capacity if the first probe has no outcome after two minutes', () => {
    const state = empty();
    blockOf(state, want('b'), NOON);
    expect(blockOf(state, want('c'), NOON + 119 * SECOND)).toEqual(waits('capacity'));
    expect(blockOf(state, want('c'), NOON + 120 * SECOND)).toEqual(PROBE);
    expect(blockOf(state, want('d'), NOON + 120 * SECOND)).toEqual(waits('capacity'));
  });
});

it('a launch that an outage blocks does not become the probe of a used-up quota', () => {
  const known: [Feedback, number][] = [
    [{ kind: 'no-quota', wanted: want('a'), message: 'so many' }, NOON - 60 * SECOND],
    ...Array.from({ length: 9 }, (): [Feedback, number] => [{ kind: 'unavailable' }, NOON]),
  ];
  const state = after(...known);
  const before = structuredClone(state);
  expect(blockOf(state, want('b'), NOON)).toEqual(waits('outage'));
  expect(state).toEqual(before);
});
