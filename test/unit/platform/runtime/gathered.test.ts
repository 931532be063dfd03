import { expect, test } from 'vitest';
import { gathered } from '../../../../functions/platform/runtime/gathered.ts';

/** Returns a work function, and the list of its runs that have begun. The test ends or fails each run. */
function steps() {
  const begun: { items: readonly number[]; end(): void; fail(): void }[] = [];
  const work = (items: readonly number[]) => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const sum = items.reduce((all, item) => all + item, 0);
    begun.push({ items, end: () => resolve(sum), fail: () => reject(new Error('broken')) });
    return promise;
  };
  return { begun, work };
}

test('items that arrive while work is in progress are worked on afterwards, in one run', async () => {
  const { begun, work } = steps();
  const add = gathered(work);
  const first = add([1]);
  const second = add([2, 3]);
  const third = add([4]);
  expect(begun.map(({ items }) => items)).toEqual([[1]]);
  begun[0]?.end();
  expect(await first).toBe(1);
  expect(begun.map(({ items }) => items)).toEqual([[1], [2, 3, 4]]);
  const fourth = add([5]);
  begun[1]?.end();
  expect(await Promise.all([second, third])).toEqual([9, 9]);
  begun[2]?.end();
  expect(await fourth).toBe(5);
  expect(begun).toHaveLength(3);
});

test('an error rejects only the calls whose items were being worked on, and the next items are worked on', async () => {
  const { begun, work } = steps();
  const add = gathered(work);
  const first = add([1]);
  const second = add([2]);
  begun[0]?.fail();
  await expect(first).rejects.toThrow('broken');
  begun[1]?.end();
  expect(await second).toBe(2);
});
