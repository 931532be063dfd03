import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Demand, findOverflow } from '../../../../functions/platform/placement/fit-demands.ts';

const has = (places: Readonly<Record<string, number>>) => (place: string) =>
  places[place] ?? Number.POSITIVE_INFINITY;

describe('findOverflow', () => {
  it.each<[string, Demand[], Record<string, number>, ReturnType<typeof findOverflow>]>([
    ['finds nothing if nothing is needed', [], { a: 0 }, undefined],
    ['finds nothing if a place has exactly the need', [{ places: ['a'], amount: 5 }], { a: 5 }, undefined],
    [
      'finds a place that has less than the need',
      [{ places: ['a'], amount: 5 }],
      { a: 4 },
      { at: 0, places: ['a'], demands: [0] },
    ],
    ['spreads a need over its places', [{ places: ['a', 'b'], amount: 9 }], { a: 5, b: 4 }, undefined],
    [
      'moves an earlier need to its other place',
      [
        { places: ['a', 'b'], amount: 5 },
        { places: ['a'], amount: 5 },
      ],
      { a: 5, b: 5 },
      undefined,
    ],
    [
      'moves needs along a chain of places',
      [
        { places: ['a', 'b'], amount: 5 },
        { places: ['b', 'c'], amount: 5 },
        { places: ['a'], amount: 5 },
      ],
      { a: 5, b: 5, c: 5 },
      undefined,
    ],
    [
      'names the first need that does not fit, and all needs of the same places',
      [
        { places: ['a'], amount: 3 },
        { places: ['b'], amount: 1 },
        { places: ['a'], amount: 3 },
        { places: ['a'], amount: 1 },
      ],
      { a: 5, b: 5 },
      { at: 2, places: ['a'], demands: [0, 2, 3] },
    ],
    [
      'finds nothing where one of the places has no limit',
      [{ places: ['a', 'unlimited'], amount: 1e9 }],
      { a: 0 },
      undefined,
    ],
  ])('%s', (_what, demands, places, expected) => {
    expect(findOverflow(demands, has(places))).toEqual(expected);
  });

  it('finds an overflow exactly if some demands need more than all of their places together have', () => {
    const names = ['a', 'b', 'c', 'd'];
    const demand = fc.record({
      places: fc.subarray(names, { minLength: 1 }),
      amount: fc.integer({ min: 1, max: 20 }),
    });
    const rooms = fc.tuple(...names.map(() => fc.integer({ min: 0, max: 25 })));
    fc.assert(
      fc.property(fc.array(demand, { maxLength: 6 }), rooms, (demands, room) => {
        const places = Object.fromEntries(names.map((name, at) => [name, room[at] ?? 0]));
        // Hall's theorem: each set of places has to have what those demands need that have no other place.
        const sets = Array.from({ length: 2 ** names.length }, (_, bits) =>
          names.filter((_name, at) => (bits >> at) % 2 === 1),
        );
        const isShort = sets.some((set) => {
          const needed = demands
            .filter((one) => one.places.every((place) => set.includes(place)))
            .reduce((sum, { amount }) => sum + amount, 0);
          return needed > set.reduce((sum, place) => sum + (places[place] ?? 0), 0);
        });
        const overflow = findOverflow(demands, has(places));
        expect(overflow !== undefined).toBe(isShort);
        if (!overflow) return;
        const needed = overflow.demands.reduce((sum, at) => sum + (demands[at]?.amount ?? 0), 0);
        const room_ = overflow.places.reduce((sum, place) => sum + (places[place] ?? 0), 0);
        expect(needed).toBeGreaterThan(room_);
        expect(overflow.demands).toContain(overflow.at);
      }),
    );
  });
});
