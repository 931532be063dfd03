import { describe, expect, it } from 'vitest';
import { applyFeedback, blockOf } from '../../../../functions/platform/governor/blocks.ts';
import { decideCreates } from '../../../../functions/platform/governor/decide-creates.ts';
import type { SiteState } from '../../../../functions/platform/governor/site-state.ts';
import { zoneChoiceOf } from '../../../../functions/platform/placement/choose-zone.ts';
import { limits, NOON, site, want } from './wanted.ts';

const SECOND = 1_000;

/** Returns a launch that may be created in any zone except the tried ones. Its home zone is the first of `zones`. */
function inZones(id: string, zones = ['a', 'b', 'c'], changes: Parameters<typeof want>[1] = {}) {
  const zoneChoice = {
    open: [zones[0] ?? '', ...zones.slice(1)] as [string, ...string[]],
    home: 'a',
    at: 0,
    of: 1,
  };
  return want(id, { zoneChoice, ...changes });
}

function without(...zones: string[]): SiteState {
  return zones.reduce(
    (state: SiteState, zone) =>
      applyFeedback(state, { kind: 'no-capacity', wanted: want('x', { zone }) }, NOON),
    site(),
  );
}

describe('capacity by zone', () => {
  it('a launch gets its home zone while that zone stands open', () => {
    expect(blockOf(without('b', 'c'), inZones('i0'), NOON)).toEqual({
      kind: 'none',
      isProbe: false,
      zone: 'a',
    });
  });

  it('a launch goes round a zone that is known to be full', () => {
    const block = blockOf(without('a', 'b'), inZones('i0'), NOON);
    expect(block).toEqual({ kind: 'none', isProbe: false, zone: 'c' });
  });

  it('after five minutes, one launch of a full zone tests it again, and the others go round it', () => {
    const state = without('a');
    const laterMs = NOON + 300 * SECOND;
    expect(blockOf(state, inZones('i0'), laterMs)).toMatchObject({ isProbe: true, zone: 'a' });
    expect(blockOf(state, inZones('i1'), laterMs)).toMatchObject({ isProbe: false, zone: 'c' });
    expect(blockOf(state, inZones('i0'), laterMs + SECOND)).toMatchObject({ isProbe: true, zone: 'a' });
  });

  it('a launch that may go elsewhere leaves the location when all of its zones are full', () => {
    const elsewhere = { mayGoElsewhere: true };
    const block = blockOf(without('a', 'b', 'c'), inZones('i0', undefined, elsewhere), NOON);
    expect(block).toMatchObject({
      kind: 'permanent',
      failure: { code: 'InsufficientCapacity', scope: 'site', wouldWait: true },
    });
    expect(blockOf(without('a', 'b'), inZones('i0', ['a', 'b'], elsewhere), NOON).kind).toBe('permanent');
  });

  it('launches that may not leave the location wait for one probe in each full zone', () => {
    const state = without('a', 'b', 'c');
    const probes = ['i0', 'i1', 'i2'].map((id) => blockOf(state, inZones(id), NOON));
    expect(probes.every((one) => one.kind === 'none' && one.isProbe)).toBe(true);
    expect(new Set(probes.map((one) => (one.kind === 'none' ? one.zone : ''))).size).toBe(3);
    expect(blockOf(state, inZones('i3'), NOON)).toEqual({ kind: 'for-now', why: 'capacity' });
  });

  it('a launch that repeats a call in a full zone leaves the zone, if another zone may be tried', () => {
    const again = { zone: 'a', mayChangeZone: true };
    expect(blockOf(without('a'), want('i0', again), NOON)).toMatchObject({ failure: { scope: 'zone' } });
    expect(blockOf(without('b'), want('i0', again), NOON)).toEqual({ kind: 'none', isProbe: false });
  });

  it('the decision about a launch has the zone that was chosen, also if the launch already had a permit', () => {
    const choice = zoneChoiceOf(['a', 'b'], ['a'], { at: 0, of: 1 }, 'fleet');
    const wanted = want('i0', choice ? { zoneChoice: choice } : {});
    const first = decideCreates(site(), limits({}), NOON, [wanted]);
    expect(first.decisions.get(wanted.instanceId)).toEqual({ action: 'allow', zone: 'b' });
    const again = decideCreates(first.state ?? site(), limits({}), NOON, [wanted]);
    expect(again.decisions.get(wanted.instanceId)).toEqual({ action: 'allow', zone: 'b' });
  });
});
