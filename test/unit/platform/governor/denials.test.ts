import { describe, expect, it } from 'vitest';
import type { WantedCreate } from '../../../../functions/model/wanted-create.ts';
import { applyFeedback, blockOf, isBlocked } from '../../../../functions/platform/governor/blocks.ts';
import type { SiteState } from '../../../../functions/platform/governor/site-state.ts';
import { NOON, site, want } from './wanted.ts';

const SECOND = 1_000;
const MINUTE = 60_000;
const GO = { kind: 'none', isProbe: false };
const PROBE = { kind: 'none', isProbe: true };
const WORDS = 'PendingVerification: Your request is being validated';
const DENIED = { kind: 'permanent', failure: { code: 'Forbidden', message: WORDS } };

const deny = (state: SiteState, wanted: WantedCreate, atMs: number): SiteState =>
  applyFeedback(state, { kind: 'denied', wanted, message: WORDS }, atMs);
const closed = () => deny(site(), want('a'), NOON);

describe('a denied create', () => {
  it('stops launches of the same type at the site, with the words of the cloud, and no other type', () => {
    expect(blockOf(closed(), want('b', { fleetId: 'g' }), NOON + SECOND)).toEqual(DENIED);
    expect(blockOf(closed(), want('b', { instanceType: 'm6i.2xlarge' }), NOON + SECOND)).toEqual(GO);
    expect(isBlocked(closed())).toBe(true);
  });

  it('lets one launch probe the site after a minute, while others wait, or leave if they can', () => {
    const state = closed();
    const later = NOON + MINUTE;
    expect(blockOf(state, want('b'), later)).toEqual(PROBE);
    expect(blockOf(state, want('b'), later + SECOND)).toEqual(PROBE);
    expect(blockOf(state, want('c'), later)).toEqual({ kind: 'for-now', why: 'denied' });
    const leaves = { kind: 'permanent', failure: { ...DENIED.failure, wouldWait: true } };
    expect(blockOf(state, want('d', { mayGoElsewhere: true }), later)).toEqual(leaves);
  });

  it('doubles the time to the next probe with each denied probe, up to half an hour', () => {
    let state = closed();
    const delays: number[] = [];
    let atMs = NOON;
    for (let probes = 0; probes < 8; probes += 1) {
      let waitMs = 0;
      while (blockOf(state, want('p'), atMs + waitMs).kind === 'permanent') waitMs += 10 * SECOND;
      delays.push(waitMs / MINUTE);
      atMs += waitMs;
      state = deny(state, want('p'), atMs);
    }
    expect(delays).toEqual([1, 2, 4, 8, 16, 30, 30, 30]);
  });

  it('counts the denials of launches that went out together once', () => {
    let state = closed();
    for (const id of ['b', 'c', 'd']) state = deny(state, want(id), NOON + SECOND);
    expect(blockOf(state, want('e'), NOON + MINUTE)).toEqual(PROBE);
  });

  it('is probed at once by a later round of any fleet, and once only in that round', () => {
    const state = closed();
    expect(blockOf(state, want('b', { round: 2, fleetId: 'other' }), NOON + SECOND)).toEqual(PROBE);
    const again = deny(state, want('b', { round: 2, fleetId: 'other' }), NOON + 2 * SECOND);
    expect(blockOf(again, want('c', { round: 2, fleetId: 'other' }), NOON + 3 * SECOND)).toEqual(DENIED);
    expect(blockOf(again, want('c', { round: 3, fleetId: 'other' }), NOON + 3 * SECOND)).toEqual(PROBE);
  });

  it('is over after an accepted create of the type', () => {
    const open = applyFeedback(closed(), { kind: 'accepted', wanted: want('b') }, NOON + SECOND);
    expect(blockOf(open, want('c'), NOON + SECOND)).toEqual(GO);
    expect(isBlocked(open)).toBe(false);
  });

  it('is over if no launch has asked for an hour after the time of the next probe', () => {
    expect(blockOf(closed(), want('b'), NOON + 62 * MINUTE)).toEqual(GO);
  });

  it('takes bounded room, with many types and many fleets', () => {
    let state = site();
    for (let at = 0; at < 100; at += 1) {
      state = deny(state, want('i', { instanceType: `t${at}.large` }), NOON);
      state = deny(state, want('i', { instanceType: 't99.large', fleetId: `f${at}` }), NOON);
    }
    expect(Object.keys(state.denied ?? {})).toHaveLength(20);
    expect(Object.keys(state.denied?.['t99.large']?.askedIn ?? {}).length).toBeLessThanOrEqual(50);
  });
});
