import { expect, test } from 'vitest';
import { pollsPerSecond } from '../../../../functions/features/poller/fast-poll.ts';

const calls = (listsPerSecond: number, createsPerSecond: number) => ({
  list: { perSecond: listsPerSecond, burst: 10 },
  create: { perSecond: createsPerSecond, burst: 10 },
  mutate: { perSecond: 10, burst: 10 },
});

test('a site with a small list rate is polled once a second', () => {
  expect(pollsPerSecond(calls(2, 50), 1_000)).toBe(1);
});

test('a site whose machines boot slowly is polled twice a second at most', () => {
  expect(pollsPerSecond(calls(50, 50), 3_000)).toBe(2);
});

test.each([
  [2.5, 50, 2],
  [5, 5, 3],
  [10, 5, 3],
  [5, 50, 3],
  [10, 50, 5],
  [50, 8, 4],
  [50, 50, 5],
])(
  'a site with quick machines, %d list calls and %d creates a second gets %d polls a second',
  (lists, creates, polls) => {
    expect(pollsPerSecond(calls(lists, creates), 1_000)).toBe(polls);
  },
);
