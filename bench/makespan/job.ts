import { simulateBaseline } from './baseline.ts';
import type { Measured } from './clouds.ts';
import { fleetsOf } from './fleets.ts';
import { simulate } from './simulate.ts';

/** One run in virtual time. */
export interface Job {
  instances: number;
  fleets: number;
  /** How many times the clouds' call rates the connections' limits are; absent: the peers' way, which knows no limits. */
  overstatedBy?: number;
  /** Whether Lambda works at a few batches at first, and not at once at as many as it may. */
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
