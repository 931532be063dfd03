import { describe, expect, it } from 'vitest';
import { grantSlots, heldNow, SLOT_LEASE_MS } from '../../../functions/governor/slots.ts';

describe('grantSlots', () => {
  it('never gives out more than there are, and keeps what a holder has', () => {
    const first = grantSlots({}, 2, 0, ['a', 'b', 'c']);
    expect(first.granted).toEqual(['a', 'b']);
    expect(grantSlots(first.holders, 2, 10, ['b', 'c']).granted).toEqual(['b']);
  });

  it('frees the slot of a holder that never came back', () => {
    const { holders } = grantSlots({}, 1, 0, ['a']);
    expect(heldNow(holders, SLOT_LEASE_MS)).toEqual({});
    expect(grantSlots(holders, 1, SLOT_LEASE_MS, ['b']).granted).toEqual(['b']);
  });
});
