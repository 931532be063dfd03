import { expect, test } from 'vitest';
import { type InstancePath, meanSteps, sharesOf } from '../../../bench/engine/paths.ts';

const path = (...steps: readonly number[]): InstancePath => {
  const at = (count: number) => steps.slice(0, count).reduce((sum, ms) => sum + ms, 1_000_000);
  return {
    askedMs: at(0),
    acceptedMs: at(1),
    sentMs: at(2),
    receivedMs: at(3),
    createdMs: at(4),
    ranMs: at(5),
    recordedMs: at(6),
  };
};

test("meanSteps returns the mean time of each step of a launch in seconds, and sharesOf returns each step's share of the total time", () => {
  const steps = meanSteps([path(100, 200, 300, 400, 8_000, 1_000), path(300, 400, 500, 2_000, 6_000, 800)]);
  expect(steps).toEqual({ api: 0.2, workflow: 0.3, queue: 0.4, permit: 1.2, cloud: 7, status: 0.9 });
  expect(sharesOf(steps)).toEqual({
    api: 0.02,
    workflow: 0.03,
    queue: 0.04,
    permit: 0.12,
    cloud: 0.7,
    status: 0.09,
  });
});

test('the time of a step is never negative, even if clocks are skewed, and all shares are zero if there are no instances', () => {
  expect(meanSteps([path(0, 0, -5, 0, 10, 0)]).queue).toBe(0);
  expect(sharesOf(meanSteps([]))).toEqual({ api: 0, workflow: 0, queue: 0, permit: 0, cloud: 0, status: 0 });
});
