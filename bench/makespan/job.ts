import { simulateBaseline } from './baseline.ts';
import type { Measured } from './clouds.ts';
import { fleetsOf } from './fleets.ts';
import { simulate } from './simulate.ts';

/** A run in virtual time. */
export interface Job {
  instances: number;
  fleets: number;
  /**
   * Ratio of the call rates in the connections' limits to the rates that the clouds enforce. Absent: the job
   * runs the baseline, which ignores call rates.
   */
  overstatedBy?: number;
  /** True for AWS services without limits. */
  unlimitedServices?: boolean;
  seed: number;
}

export async function run(
  { instances, fleets, overstatedBy, ...how }: Job,
  say: (made: number, seconds: number) => void = () => {},
): Promise<Measured> {
  const requests = fleetsOf(instances, fleets);
  return overstatedBy === undefined
    ? await simulateBaseline(requests, how.seed)
    : await simulate(requests, { overstatedBy, ...how }, say);
}
