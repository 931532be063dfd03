import { simulateBaseline } from './baseline.ts';
import type { Measured } from './clouds.ts';
import { fleetsOf } from './fleets.ts';
import { simulate } from './simulate.ts';

/** A run in virtual time. */
export interface Job {
  instances: number;
  fleets: number;
  /** Ratio of the connections' call rates to the clouds' real ones. Absent: the baseline, which has no rate limits. */
  overstatedBy?: number;
  /** True if Lambda begins with a few concurrent batches. Otherwise it begins with the maximum. */
  scalesSlowly?: boolean;
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
