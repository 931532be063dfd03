import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  addressPoolSchema,
  blocksOfPool,
  cidrsOverlap,
  networkCidrSchema,
} from '../../../../functions/model/address-range.ts';
import { readReservations, reserveRanges } from '../../../../functions/platform/store/address-ranges.ts';
import { CONNECTION } from '../one-fleet/one-fleet.ts';
import { SHOP, Sharing } from './sharing.ts';

const HERE = { namespace: 'default', connectionKey: CONNECTION };
const THERE = { namespace: 'default', connectionKey: 'sim/default/other' };

describe('CIDRs', () => {
  it.each(['10.20.0.0/16', '10.20.16.0/20', '192.168.3.16/28'])(
    '%s may be the range of a network',
    (cidr) => {
      expect(networkCidrSchema.safeParse(cidr).success).toBe(true);
    },
  );

  it.each(['10.20.0.0/15', '10.20.1.0/16', '10.20.0.0/29', 'fd00::/48', '10.20.0.0', ''])(
    '%s may not be the range of a network',
    (cidr) => {
      expect(networkCidrSchema.safeParse(cidr).success).toBe(false);
    },
  );

  it('two ranges overlap if and only if they have an address in common', () => {
    expect(cidrsOverlap('10.20.0.0/16', '10.20.255.240/28')).toBe(true);
    expect(cidrsOverlap('10.20.0.0/20', '10.20.16.0/20')).toBe(false);
    expect(cidrsOverlap('10.0.0.0/8', '11.0.0.0/8')).toBe(false);
  });

  it('a pool is divided into blocks, in order', () => {
    expect(addressPoolSchema.safeParse('10.0.0.0/7').success).toBe(false);
    expect(blocksOfPool('10.255.0.0/16')).toEqual(['10.255.0.0/16']);
    const blocks = blocksOfPool('10.0.0.0/8');
    expect([blocks.length, blocks[0], blocks.at(-1)]).toEqual([256, '10.0.0.0/16', '10.255.0.0/16']);
  });
});

describe('reserved ranges', () => {
  let sharing: Sharing;
  beforeEach(async () => {
    sharing = await Sharing.open();
  });
  afterEach(() => sharing.world.end());
  const reserve = (of: typeof HERE, ranges: Record<string, string>) =>
    reserveRanges(sharing.world.store, of, ranges);

  it('the network of the site gets the range that is reserved for it', async () => {
    expect(await reserve(HERE, { east: '192.168.0.0/20' })).toBe('reserved');
    await sharing.addFleet(SHOP);
    await sharing.prepare(SHOP);
    expect(sharing.world.cloud.resources.find(({ kind }) => kind === 'network')?.cidr).toBe('192.168.0.0/20');
    expect(await readReservations(sharing.world.store, HERE)).toEqual({ east: '192.168.0.0/20' });
  });

  it('a network of the pool never gets a block in which a range is reserved', async () => {
    sharing.world.sharedNetworks.pool = '10.6.0.0/15';
    await reserve(THERE, { west: '10.6.128.0/20' });
    await sharing.addFleet(SHOP);
    await sharing.prepare(SHOP);
    expect(sharing.world.cloud.resources.find(({ kind }) => kind === 'network')?.cidr).toBe('10.7.0.0/16');
  });

  it('ranges that overlap are refused with their location: with each other, reserved, or of a network', async () => {
    sharing.world.sharedNetworks.pool = '10.7.0.0/16';
    await sharing.addFleet(SHOP);
    await sharing.prepare(SHOP);
    await reserve(THERE, { west: '10.8.0.0/20' });
    const together = { east: '10.9.0.0/20', west: '10.9.8.0/24' };
    for (const [ranges, location] of [
      [{ north: '10.7.3.0/24' }, 'north'],
      [{ north: '10.8.4.0/24' }, 'north'],
      [together, 'east'],
    ] as const) {
      const outcome = await reserve(HERE, ranges);
      const found = typeof outcome === 'object' ? outcome.overlapping.map((one) => one.location) : [];
      expect(found).toContain(location);
    }
    expect(await readReservations(sharing.world.store, HERE)).toEqual({});
  });

  it('two ranges of one block that do not overlap can both be reserved, and new ones replace all earlier ones', async () => {
    expect(await reserve(HERE, { east: '10.8.0.0/20' })).toBe('reserved');
    expect(await reserve(THERE, { west: '10.8.16.0/20' })).toBe('reserved');
    expect(await reserve(HERE, { north: '10.9.0.0/16' })).toBe('reserved');
    expect(await readReservations(sharing.world.store, HERE)).toEqual({ north: '10.9.0.0/16' });
    expect(await readReservations(sharing.world.store, THERE)).toEqual({ west: '10.8.16.0/20' });
  });
});
