import { describe, expect, it } from 'vitest';
import {
  grantSlots,
  heldNow,
  SLOT_EXPIRY_MS,
  withoutReleased,
  withRenewed,
} from '../../../../functions/platform/governor/slots.ts';

describe('grantSlots', () => {
  it('never gives out more than there are, and keeps what a holder has', () => {
    const first = grantSlots({}, 2, 0, ['a', 'b', 'c']);
    expect(first.granted).toEqual(['a', 'b']);
    expect(grantSlots(first.holders, 2, 10, ['b', 'c']).granted).toEqual(['b']);
  });

  it('frees the slot of a holder that never came back', () => {
    const { holders } = grantSlots({}, 1, 0, ['a']);
    expect(heldNow(holders, SLOT_EXPIRY_MS)).toEqual({});
    expect(grantSlots(holders, 1, SLOT_EXPIRY_MS, ['b']).granted).toEqual(['b']);
  });
});

describe('a slot', () => {
  it('is renewed by a worker that sees its holder still being created, and not for a holder that came since', () => {
    const holders = { slow: 10, another: 20 };
    expect(withRenewed(holders, { slow: 10, another: 19, gone: 5 }, 99)).toEqual({ slow: 99, another: 20 });
    expect(withRenewed(holders, { another: 19 }, 99)).toBe(holders);
  });

  it('goes back by the permit that is known to be over, and by no other', () => {
    const holders = { a: 10, b: 20, c: 30 };
    const released = [
      { instanceId: 'a', startMs: 10 },
      { instanceId: 'b', startMs: 19 },
      { instanceId: 'c' },
    ];
    expect(withoutReleased(holders, released)).toEqual({ b: 20 });
  });
});
