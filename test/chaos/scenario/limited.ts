import { expect } from 'vitest';
import type { Fleet } from '../../../functions/model/fleet.ts';
import type { LimitOverride } from '../../../functions/model/limit-profile.ts';
import { calmScenario } from './calm.ts';
import { runScenario, type Story } from './run.ts';
import type { Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';

/**
 * Test options with a long time limit: a virtual day takes seconds of real time, and more on a busy machine.
 */
export const PATIENT = { timeout: 300_000 };
export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const DAY = 24 * 60 * MINUTE;
export const AWS = ['sim-aws'];
export const EAST = { locations: ['east-1'] };
export const SLOTS = 6;

export const isUp = ({ status }: Fleet) => status === 'Running';
export const isSettled = ({ status }: Fleet) => !['Preparing', 'Creating'].includes(status);
export const isGone = ({ status }: Fleet) => status === 'Terminated';
export const isUnderWay = ({ counts }: Fleet) => (counts.Running ?? 0) > 2;
export const nowOf = ({ lab }: Stage) => lab.ground.now();
export const inQueue = ({ lab }: Stage) =>
  lab.tables.governor.all().filter(({ sk }) => String(sk).startsWith('ENTRY#')).length;
export const failureCodes = ({ failures }: Fleet) => failures.map(({ code }) => code);

export async function expectAfter(story: Story, outcomes: Record<string, number>, scenario = calmScenario()) {
  const result = await runScenario(scenario, false, story);
  expect(result.violations).toEqual([]);
  expect(result.outcomes).toEqual(outcomes);
}

/** Returns a scenario in which nothing goes wrong, with one connection for which the user set these limits. */
export function limited(limits: LimitOverride, traits: Parameters<typeof calmScenario>[1] = {}): Scenario {
  return calmScenario({ connections: [{ name: 'sim-aws', cloud: 'aws', limits }] }, traits);
}

/** Returns the maximum number of these moments within any span of `spanMs`. */
export function mostWithin(momentsMs: readonly number[], spanMs: number): number {
  const counts = momentsMs.map((from) => momentsMs.filter((at) => at >= from && at < from + spanMs).length);
  return Math.max(0, ...counts);
}
