import fc from 'fast-check';
import { expect, it } from 'vitest';
import * as z from 'zod';
import { instanceId } from '../../../../functions/model/identifiers.ts';
import { holdersSchema } from '../../../../functions/platform/governor/pack-holders.ts';
import { NOON } from './wanted.ts';

const FLEETS = ['f1kdvdnb97d98z6rm', 'f1kdvdnc5zeb2vrpw'];
const holders = fc.dictionary(
  fc
    .tuple(fc.constantFrom(...FLEETS), fc.nat(99_999))
    .map(([fleetId, index]) => instanceId({ fleetId, index })),
  fc.integer({ min: NOON - 3_600_000, max: NOON + 3_600_000 }),
);

it('decoding encoded slot holders returns the same holders', () => {
  fc.assert(
    fc.property(holders, (some) => {
      expect(z.decode(holdersSchema, z.encode(holdersSchema, some))).toEqual(some);
    }),
  );
});

it('the start time of a slot holder is stored in whole milliseconds, rounded up', () => {
  const id = 'f1kdvdnb97d98z6rm-00012';
  const kept = z.encode(holdersSchema, { [id]: NOON + 0.2 });
  expect(z.decode(holdersSchema, kept)).toEqual({ [id]: NOON + 1 });
});

it('encoding refuses a slot holder that is not an instance id', () => {
  expect(() => z.encode(holdersSchema, { unknown: NOON })).toThrow('not an instance id: unknown');
});
