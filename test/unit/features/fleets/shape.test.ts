import fc from 'fast-check';
import { expect, it } from 'vitest';
import { shapeOf } from '../../../../functions/features/fleets/shape.ts';

const slots = (concurrentInstancesPerLocation: number) => ({ concurrentInstancesPerLocation });

it.each([
  [1, { chunk: 40, concurrentChunks: 1 }],
  [20, { chunk: 40, concurrentChunks: 1 }],
  [30, { chunk: 60, concurrentChunks: 1 }],
  [100, { chunk: 100, concurrentChunks: 2 }],
  [1_000, { chunk: 100, concurrentChunks: 20 }],
  // AWS runs at most 40 iterations of an inline Map at a time.
  [100_000, { chunk: 100, concurrentChunks: 40 }],
])('for a site with %i slots, shapeOf returns %j', (count, shape) => {
  expect(shapeOf(slots(count))).toEqual(shape);
});

it('workers take on at least as many launches at a time as the site has slots, and at most 100 in a message', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2_000 }), (some) => {
      const { chunk, concurrentChunks } = shapeOf(slots(some));
      expect(chunk * concurrentChunks).toBeGreaterThanOrEqual(some);
      expect(chunk).toBeLessThanOrEqual(100);
    }),
  );
});

it('a site without slots is divided as one with 1,000 slots', () => {
  expect(shapeOf({})).toEqual(shapeOf(slots(1_000)));
});
