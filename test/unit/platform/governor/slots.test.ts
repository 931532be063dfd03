import { describe, expect, it } from 'vitest';
import {
  grantSlots,
  heldNow,
  SLOT_EXPIRY_MS,
  withoutReleased,
  withRenewed,
} from '../../../../functions/platform/governor/slots.ts';

describe('grantSlots', () => {
  it('grantSlots gives only free slots, and a holder keeps its slot', () => {
    const first = grantSlots({}, 2, 0, ['a', 'b', 'c']);
    expect(first.granted).toEqual(['a', 'b']);
    expect(grantSlots(first.holders, 2, 10, ['b', 'c']).granted).toEqual(['b']);
  });

  it('grantSlots gives an expired slot to another instance', () => {
    const { holders } = grantSlots({}, 1, 0, ['a']);
    expect(heldNow(holders, SLOT_EXPIRY_MS)).toEqual({});
    expect(grantSlots(holders, 1, SLOT_EXPIRY_MS, ['b']).granted).toEqual(['b']);
  });
});

describe('a slot', () => {
  it('a slot is renewed only if the caller names the slot’s permit', () => {
    const holders = { slow: 10, another: 20 };
    expect(withRenewed(holders, { slow: 10, another: 19, gone: 5 }, 99)).toEqual({ slow: 99, another: 20 });
    expect(withRenewed(holders, { another: 19 }, 99)).toBe(holders);
  });

  it('a release gives a slot back if it names the slot’s permit or no permit, and not if it names another permit', () => {
    const holders = { a: 10, b: 20, c: 30 };
    const released = [
      { instanceId: 'a', startMs: 10 },
      { instanceId: 'b', startMs: 19 },
      { instanceId: 'c' },
    ];
    expect(withoutReleased(holders, released)).toEqual({ b: 20 });
  });
});
