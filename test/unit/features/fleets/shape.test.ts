import fc from 'fast-check';
import { expect, it } from 'vitest';
import { shapeOf } from '../../../../functions/features/fleets/shape.ts';

const slots = (concurrentInstancesPerLocation: number) => ({ concurrentInstancesPerLocation });

it.each([
  [20, 5_000, { concurrentInstances: 40, perChild: 1_000 }],
  [20, 100, { concurrentInstances: 40, perChild: 100 }],
  [15, 1, { concurrentInstances: 30, perChild: 40 }],
  // A child execution runs 40 launches at a time, so 200 concurrent launches need five child executions.
  [100, 5_000, { concurrentInstances: 200, perChild: 1_000 }],
  [100, 1_000, { concurrentInstances: 200, perChild: 200 }],
  [100, 130, { concurrentInstances: 200, perChild: 40 }],
])('for a site with %i slots and %i instances, shapeOf returns %j', (count, instances, shape) => {
  expect(shapeOf(slots(count), instances)).toEqual(shape);
});

it('shapeOf allows a concurrent launch for every slot, and at most 1,000 positions in a child execution', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 10_000 }), (some, count) => {
      const { concurrentInstances, perChild } = shapeOf(slots(some), count);
      const children = Math.ceil(count / perChild);
      const concurrent = Math.min(40, Math.max(2, Math.ceil(concurrentInstances / 40)), children);
      const underWay = Math.min(count, concurrent * Math.min(40, perChild, concurrentInstances));
      expect(underWay).toBeGreaterThanOrEqual(Math.min(count, some));
      expect(perChild).toBeLessThanOrEqual(1_000);
      expect(children).toBeLessThanOrEqual(Math.max(Math.ceil(count / 1_000), Math.ceil(count / 40)));
    }),
  );
});
