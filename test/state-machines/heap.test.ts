import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Heap } from './interpreter/heap.ts';

test('after any sequence of pushes and pops, a heap returns its smallest entry', () => {
  const steps = fc.array(fc.option(fc.integer({ min: 0, max: 20 }), { nil: undefined }), { maxLength: 200 });
  fc.assert(
    fc.property(steps, (pushed) => {
      const heap = new Heap<number>((one, other) => one < other);
      const model: number[] = [];
      // In `pushed`, undefined stands for a pop.
      for (const value of pushed) {
        if (value === undefined) {
          model.sort((a, b) => a - b);
          expect(heap.first).toBe(model[0]);
          expect(heap.pop()).toBe(model.shift());
        } else {
          heap.push(value);
          model.push(value);
        }
        expect(heap.size).toBe(model.length);
      }
    }),
  );
});
