import { expect, test } from 'vitest';
import { meteredCloud } from '../../bench/bulk/metered-cloud.ts';
import { measureFairness, percentile } from '../../bench/fairness/fairness.ts';
import { run } from '../../bench/makespan/job.ts';
import { measureRatios } from '../../bench/makespan/makespan.ts';
import { Workers } from '../../bench/makespan/workers.ts';
import type { CloudConfig } from '../../local/sim/engine/config.ts';

test("a run in a worker thread has the same result as a run in this thread, and stays within the clouds' limits", {
  timeout: 60_000,
}, async () => {
  const job = { instances: 60, fleets: 3, overstatedBy: 1, seed: 2 };
  const measured = await run(job);
  expect(measured).toMatchObject({ running: 60, throttled: 0, limitViolations: 0 });
  expect(measured.makespanSeconds).toBeGreaterThanOrEqual(measured.idealSeconds);
  expect(await new Workers(2).run(job)).toEqual(measured);
});

test('limits of the AWS services slow a run down, and --unlimited-services leaves them out', async () => {
  const job = { instances: 160, fleets: 16, overstatedBy: 1, seed: 3 };
  const limited = await run(job);
  const unlimited = await run({ ...job, unlimitedServices: true });
  expect(limited).toMatchObject({ running: 160, throttled: 0, limitViolations: 0 });
  expect(limited.makespanSeconds / limited.idealSeconds).toBeGreaterThan(
    unlimited.makespanSeconds / unlimited.idealSeconds,
  );
});

test('the ratios of several seeds are those of the single runs, with their mean and the worst', {
  timeout: 60_000,
}, async () => {
  const how = { seed: 4, unlimitedServices: false, workers: new Workers(1), say: () => {} };
  const { meanRatio, worstRatio, ratios } = await measureRatios(2, how, { instances: 60, fleets: 3 });
  const single = await run({ instances: 60, fleets: 3, overstatedBy: 1, seed: 5 });
  expect(ratios).toHaveLength(2);
  expect(ratios[1]).toBeCloseTo(single.makespanSeconds / single.idealSeconds, 2);
  expect(meanRatio).toBeCloseTo(((ratios[0] ?? 0) + (ratios[1] ?? 0)) / 2, 1);
  expect(worstRatio).toBe(Math.max(...ratios));
});

test('the baseline without a governor creates all instances', async () => {
  expect(await run({ instances: 60, fleets: 3, seed: 2 })).toMatchObject({ running: 60 });
});

test("the fairness ratio compares a small fleet's time behind a large fleet with its time alone", {
  timeout: 60_000,
}, async () => {
  const asked = { small: 3, large: 90, afterSeconds: 20, seeds: [1, 2] };
  const measured = await measureFairness(asked, () => {});
  expect(measured).toMatchObject({ smallFleet: 3, largeFleet: 90, seeds: [1, 2] });
  expect(measured.aloneP95Seconds).toBeGreaterThan(6);
  expect(measured.behindP95Seconds).toBeGreaterThan(6);
  expect(measured.ratio).toBeCloseTo(measured.behindP95Seconds / measured.aloneP95Seconds, 1);
});

test('a small fleet does not wait for a large one at a cloud without slots', {
  timeout: 60_000,
}, async () => {
  const cloud = { ...meteredCloud(), bootSeconds: [6, 14] } satisfies CloudConfig;
  const asked = { small: 3, large: 1_300, afterSeconds: 20, seeds: [1, 4], cloud };
  const { ratio } = await measureFairness(asked, () => {});
  expect(ratio).toBeLessThan(2);
});

test('a percentile is one of the measured values', () => {
  const values = Array.from({ length: 50 }, (_, at) => 50 - at);
  expect(percentile(values, 0.95)).toBe(48);
  expect(percentile(values, 0.5)).toBe(25);
  expect(percentile([7], 0.95)).toBe(7);
});
