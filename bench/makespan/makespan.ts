import { simulateBaseline } from './baseline.ts';
import { fleetsOf } from './fleets.ts';
import { simulate } from './simulate.ts';

/** One line of `bench -- makespan`. */
export interface MakespanCase {
  instances: number;
  fleets: number;
  overstatedBy: number;
  makespanSeconds: number;
  idealSeconds: number;
  ratio: number;
  calls: number;
  throttled: number;
  limitViolations: number;
  baselineMakespanSeconds: number;
  baselineThrottled: number;
}

export interface Asked {
  instances: number;
  fleets: number;
}

/** The demo's own, ten thousand in one fleet and in twenty, and a hundred thousand. */
export const ASKED: readonly Asked[] = [
  { instances: 1_110, fleets: 4 },
  { instances: 10_000, fleets: 1 },
  { instances: 10_000, fleets: 20 },
  { instances: 100_000, fleets: 10 },
];
const OVERSTATED_BY = [1, 2];

/** Each of these with the true call rates and with overstated ones, beside what the peers' way takes. */
export async function measureMakespans(
  asked: readonly Asked[],
  seed: number,
  say: (line: string) => void,
): Promise<MakespanCase[]> {
  const cases: MakespanCase[] = [];
  for (const { instances, fleets } of asked) {
    const requests = fleetsOf(instances, fleets);
    const baseline = await simulateBaseline(requests, seed);
    for (const overstatedBy of OVERSTATED_BY) {
      const { running: _, ...measured } = await simulate(requests, overstatedBy, seed);
      const one = {
        instances,
        fleets,
        overstatedBy,
        ...measured,
        makespanSeconds: rounded(measured.makespanSeconds),
        idealSeconds: rounded(measured.idealSeconds),
        ratio: rounded(measured.makespanSeconds / measured.idealSeconds),
        baselineMakespanSeconds: rounded(baseline.makespanSeconds),
        baselineThrottled: baseline.throttled,
      };
      say(`${instances} instances in ${fleets} fleets, rates ${overstatedBy}x: ${one.makespanSeconds} s`);
      cases.push(one);
    }
  }
  return cases;
}

const rounded = (value: number): number => Number(value.toFixed(2));
