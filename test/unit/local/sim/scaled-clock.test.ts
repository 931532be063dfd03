import { expect, test } from 'vitest';
import { latestTimeOf, scaledClock } from '../../../../local/sim/scaled-clock.ts';
import { START_MS, VirtualClouds } from './virtual-clouds.ts';

test('a scaled clock starts at the given time, and `waitUntil` waits until the clock shows the awaited time', async () => {
  // Read before the clock starts: a millisecond that ends in between would be missing from the duration.
  const startedAtMs = Date.now();
  const clock = scaledClock(1_000, 5_000_000);
  await clock.waitUntil(5_050_000);
  expect(clock.now()).toBeGreaterThanOrEqual(5_050_000);
  const tookMs = Date.now() - startedAtMs;
  expect(tookMs).toBeGreaterThanOrEqual(50);
  expect(tookMs).toBeLessThan(5_000);
});

test('a clock of scale 1 shows the real time', () => {
  const clock = scaledClock(1, Date.now());
  expect(Math.abs(clock.now() - Date.now())).toBeLessThan(50);
});

test("latestTimeOf returns the time of a snapshot's last event, or 0 without events", () => {
  const clouds = new VirtualClouds();
  const { body } = clouds.create();
  clouds.wait(3_600);
  clouds.terminate(body['id']);
  expect(latestTimeOf(clouds.engine.world.state.snapshot())).toBe(START_MS + 3_600_000);
  expect(latestTimeOf([])).toBe(0);
});
