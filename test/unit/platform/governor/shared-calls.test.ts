import { describe, expect, it } from 'vitest';
import { instanceId } from '../../../../functions/model/identifiers.ts';
import type { LimitProfile } from '../../../../functions/model/limit-profile.ts';
import type { WantedCreate } from '../../../../functions/model/wanted-create.ts';
import { applyFeedback } from '../../../../functions/platform/governor/blocks.ts';
import {
  type CreateDecisions,
  decideCreates,
} from '../../../../functions/platform/governor/decide-creates.ts';
import type { SiteState } from '../../../../functions/platform/governor/site-state.ts';
import { limits, NOON, site, want } from './wanted.ts';

const MOST = 20;
const SECOND = 1_000;
const { concurrentInstancesPerLocation: _slots, ...unslotted } = limits({});
/** One create call a second, and no slots. */
const slow: LimitProfile = {
  ...unslotted,
  calls: { ...unslotted.calls, create: { perSecond: 1, burst: 1 } },
  instances: { perSecond: 2, burst: 1_000 },
};

const fleetOf = (at: number) => `f${String(at).padStart(16, '0')}`;
/** Returns a launch of a fleet of one instance. Launches with the same key are alike. */
function single(at: number, key = 'alike', changes: Partial<WantedCreate> = {}): WantedCreate {
  const fleetId = fleetOf(at);
  const call = { key: `${fleetId} all`, most: 100, shared: { key, most: MOST } };
  return want(instanceId({ fleetId, index: 0 }), { fleetId, call, ...changes });
}
const singles = (from: number, count: number, key?: string) =>
  Array.from({ length: count }, (_, at) => single(from + at, key));
const of = ({ decisions }: CreateDecisions, { instanceId: id }: WantedCreate) => decisions.get(id);
const actionsOf = (decided: CreateDecisions, wanted: readonly WantedCreate[]) =>
  wanted.map((one) => {
    const decision = of(decided, one);
    return decision?.action === 'queue' ? decision.why : decision?.action;
  });

/** Returns a site where the first launch's call went out, the second is the leader, and others wait for its call. */
function awaited(waiting: number): { state: SiteState; startMs: number } {
  const decided = decideCreates(site(), slow, NOON, [single(0, 'other'), ...singles(1, 1 + waiting)]);
  const leader = of(decided, single(1));
  if (leader?.action !== 'scheduleAt' || !decided.state)
    throw new Error('the second launch has no start time');
  return { state: decided.state, startMs: leader.startMs };
}

describe('calls for several fleets', () => {
  it('launches of different fleets that come together share a call that goes out now', () => {
    const wanted = singles(0, 5);
    const decided = decideCreates(site(), slow, NOON, wanted);
    expect(new Set(wanted.map((one) => JSON.stringify(of(decided, one)))).size).toBe(1);
    expect(of(decided, single(4))).toMatchObject({ action: 'allow' });
  });

  it('a call for several fleets has at most as many machines as the driver allows', () => {
    const fast = { ...slow, calls: { ...slow.calls, create: { perSecond: 10, burst: 20 } } };
    const wanted = singles(0, MOST + 5);
    const decided = decideCreates(site(), fast, NOON, wanted);
    const calls = Map.groupBy(wanted, (one) => JSON.stringify(of(decided, one)));
    expect([...calls.values()].map(({ length }) => length)).toEqual([MOST, 5]);
  });

  it('launches that have to wait are queued for the call of the first one, which has a start time', () => {
    const decided = decideCreates(site(), slow, NOON, [single(0, 'other'), ...singles(1, 4)]);
    expect(actionsOf(decided, singles(1, 4))).toEqual(['scheduleAt', 'call', 'call', 'call']);
    const known = decided.state ?? site();
    expect(Object.keys(known.holders)).toHaveLength(2);
    const later = decideCreates(known, slow, NOON + 100, [single(9), single(10, 'different')]);
    expect(actionsOf(later, [single(9), single(10, 'different')])).toEqual(['call', 'scheduleAt']);
    expect(later.state?.awaited?.['alike']).toMatchObject({ leaders: 1, waiting: 4 });
  });

  it('the call of the leader takes the waiting launches along, which then have slots', () => {
    const { state, startMs } = awaited(3);
    const along = singles(2, 3);
    const decided = decideCreates(state, slow, startMs, [single(1)], { along });
    const calls = [single(1), ...along].map((one) => of(decided, one));
    expect(calls[0]).toMatchObject({ action: 'allow', call: expect.any(String) });
    expect(new Set(calls.map((one) => JSON.stringify(one))).size).toBe(1);
    expect([...decided.going]).toEqual(['alike']);
    expect(decided.state?.awaited).toEqual({});
    for (const one of along) expect(decided.state?.holders[one.instanceId]).toBeDefined();
  });

  it('a waiting launch stays queued if no alike call goes out, it has no slot, or its zone is another one', () => {
    const { state, startMs } = awaited(1);
    const [one] = [single(2)];
    expect(actionsOf(decideCreates(state, slow, startMs, [], { along: [one] }), [one])).toEqual(['call']);
    const full = { ...slow, concurrentInstancesPerLocation: 2 };
    expect(actionsOf(decideCreates(state, full, startMs, [single(1)], { along: [one] }), [one])).toEqual([
      'call',
    ]);
    const elsewhere = single(2, 'alike', { zone: 'b' });
    expect(
      actionsOf(decideCreates(state, slow, startMs, [single(1)], { along: [elsewhere] }), [elsewhere]),
    ).toEqual(['call']);
  });

  it('a waiting launch goes to the zone of the call, unless that zone is known to lack capacity', () => {
    const { state, startMs } = awaited(1);
    const zoneChoice = (home: string) => ({ open: ['a', 'b'] as [string, ...string[]], home, at: 0, of: 1 });
    const leader = single(1, 'alike', { zoneChoice: zoneChoice('a') });
    const other = single(2, 'alike', { zoneChoice: zoneChoice('b') });
    const together = decideCreates(state, slow, startMs, [leader], { along: [other] });
    expect(of(together, other)).toMatchObject({ action: 'allow', zone: 'a' });
    expect(of(together, other)).toEqual(of(together, leader));
    const pinned = single(2, 'alike', { zoneChoice: { ...zoneChoice('b'), open: ['b'] } });
    const apart = decideCreates(state, slow, startMs, [leader], { along: [pinned] });
    expect(actionsOf(apart, [pinned])).toEqual(['call']);
    const scarce = applyFeedback(
      state,
      { kind: 'no-capacity', wanted: { ...other, zone: 'a' } },
      startMs - 1,
    );
    const moved = decideCreates(scarce, slow, startMs, [leader], { along: [other] });
    expect(of(moved, leader)).toMatchObject({ action: 'allow', zone: 'b' });
    expect(of(moved, other)).toEqual(of(moved, leader));
  });

  it('if the leader is late, the next launch has a start time of its own, and is the leader', () => {
    const { state, startMs } = awaited(2);
    const next = decideCreates(state, slow, startMs + 4 * SECOND, [single(8), single(9)]);
    expect(actionsOf(next, [single(8)])).toEqual(['allow']);
    const busy = decideCreates(state, slow, startMs + 4 * SECOND, [single(7, 'other'), single(8), single(9)]);
    expect(actionsOf(busy, [single(8), single(9)])).toEqual(['scheduleAt', 'call']);
  });

  it('polls send one launch of the queue for each call, and leave the alike ones in the queue', () => {
    const { state, startMs } = awaited(3);
    const atMs = startMs + 4 * SECOND;
    const served = decideCreates(state, slow, atMs, singles(2, 3), { isFromQueue: true });
    expect(actionsOf(served, singles(2, 3))).toEqual(['allow', 'call', 'call']);
    expect(served.state?.awaited?.['alike']).toMatchObject({ leaders: 1, waiting: 2 });
    const again = decideCreates(served.state ?? site(), slow, atMs + 100, singles(3, 2), {
      isFromQueue: true,
    });
    expect(actionsOf(again, singles(3, 2))).toEqual(['call', 'call']);
    expect(again.state).toBeUndefined();
  });

  it('polls leave a launch in the queue that a call has just taken along', () => {
    const { state, startMs } = awaited(1);
    const taken = decideCreates(state, slow, startMs, [single(1)], { along: [single(2)] });
    const served = decideCreates(taken.state ?? site(), slow, startMs + SECOND, [single(2)], {
      isFromQueue: true,
    });
    expect(actionsOf(served, [single(2)])).toEqual(['sent']);
  });

  it('a call takes at most as many launches along as it has room for, and the others wait for the next leader', () => {
    const { state, startMs } = awaited(MOST - 1);
    const more = decideCreates(state, slow, NOON + 100, [single(40), single(41)]);
    expect(actionsOf(more, [single(40), single(41)])).toEqual(['scheduleAt', 'call']);
    const along = singles(2, MOST);
    const decided = decideCreates(more.state ?? site(), slow, startMs, [single(1)], { along });
    expect(actionsOf(decided, along).filter((one) => one === 'allow')).toHaveLength(MOST - 1);
    expect(decided.state?.awaited?.['alike']?.leaders).toBe(1);
  });

  it('the item of a site remembers at most sixteen kinds of calls, the latest ones', () => {
    let state = site();
    for (let at = 0; at < 30; at += 1)
      state = decideCreates(state, slow, NOON + at, [single(at, `kind-${at}`)]).state ?? state;
    expect(Object.keys(state.awaited ?? {})).toHaveLength(16);
    expect(Object.keys(state.awaited ?? {})).toContain('kind-29');
  });

  it('a launch without alike ones is decided as before', () => {
    const { call: _call, ...plain } = single(3);
    const { state } = awaited(2);
    expect(actionsOf(decideCreates(state, slow, NOON + 100, [plain]), [plain])).toEqual(['scheduleAt']);
  });
});
