import { expect, it } from 'vitest';
import { Pollers } from './models/pollers.ts';
import { SMALL_REGION } from './models/service-limits.ts';

const MINUTE = 60_000;
const SCALING = SMALL_REGION.batches;

/** Calls `countAt` every `everyMs` with all pollers busy. @returns the last count */
function grow(pollers: Pollers, fromMs: number, forMs: number, everyMs: number): number {
  let count = 0;
  for (let atMs = fromMs; atMs <= fromMs + forMs; atMs += everyMs) count = pollers.countAt(atMs, count);
  return count;
}

it('a queue that was quiet has five pollers, and gets 300 more each minute up to its limit', () => {
  for (const everyMs of [50, 200, 700]) {
    const pollers = new Pollers(SCALING, 1_000);
    expect(grow(pollers, MINUTE, 0, everyMs)).toBe(5);
    const after = grow(pollers, MINUTE, MINUTE, everyMs);
    expect(after).toBeGreaterThanOrEqual(300);
    expect(after).toBeLessThanOrEqual(305);
  }
  expect(grow(new Pollers(SCALING, 100), 0, MINUTE, 50)).toBe(100);
  expect(grow(new Pollers(SCALING, 2), 0, MINUTE, 50)).toBe(2);
});

it('a queue gets no further pollers while some are idle, and has five again after a quiet minute', () => {
  const pollers = new Pollers(SCALING, 100);
  const grown = grow(pollers, 0, 2_000, 50);
  expect(grown).toBe(15);
  for (let atMs = 2_000; atMs < 50_000; atMs += 1_000) expect(pollers.countAt(atMs, 3)).toBe(grown);
  expect(pollers.countAt(50_000, grown)).toBeLessThanOrEqual(grown + 5);
  expect(pollers.countAt(50_000 + MINUTE + 1, 0)).toBe(5);
});
