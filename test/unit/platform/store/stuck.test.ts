import { expect, it } from 'vitest';
import {
  afterFailure,
  isDue,
  retryDelayMs,
  type StuckItem,
} from '../../../../functions/platform/store/stuck.ts';

const at = (nowMs: number) => ({ clock: { now: () => nowMs }, random: () => 1 });
const ERROR = { code: 'Conflict', message: 'in use' };

it('the delay grows from four seconds to five minutes, and is drawn at random', () => {
  const longest = [1, 2, 3, 4, 6, 9, 10, 500].map((tries) => retryDelayMs(tries, () => 1));
  expect(longest).toEqual([4_000, 4_000, 4_000, 8_000, 32_000, 256_000, 300_000, 300_000]);
  expect(retryDelayMs(500, () => 0)).toBe(225_000);
});

it('failed tries are counted from the first one, even if the errors differ', () => {
  const first = afterFailure(undefined, ERROR, at(1_000));
  const second = afterFailure(first, { code: 'Unavailable', message: 'x'.repeat(900) }, at(9_000), 60_000);
  expect(second).toMatchObject({ code: 'Unavailable', sinceMs: 1_000, tries: 2, nextTryAtMs: 69_000 });
  expect(second.message).toHaveLength(500);
});

it('a try is due after its delay, or when a user has asked since the latest try', () => {
  const stuck: StuckItem = afterFailure(undefined, ERROR, at(1_000));
  expect(isDue(undefined, 0)).toBe(true);
  expect(isDue(stuck, 4_999)).toBe(false);
  expect(isDue(stuck, 5_000)).toBe(true);
  expect(isDue(stuck, 4_999, 1_000)).toBe(false);
  expect(isDue(stuck, 4_999, 1_001)).toBe(true);
});
