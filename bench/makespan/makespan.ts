import type { Measured } from './clouds.ts';
import type { Workers } from './workers.ts';

/** One row of the table that `bench -- makespan` prints. */
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

const DEMO: Asked = { instances: 1_110, fleets: 4 };

/**
 * The sizes that are measured: the demo's fleets, 10,000 instances in one fleet and in 20, and 100,000
 * instances in ten fleets.
 */
export const ASKED: readonly Asked[] = [
  DEMO,
  { instances: 10_000, fleets: 1 },
  { instances: 10_000, fleets: 20 },
  { instances: 100_000, fleets: 10 },
];
const OVERSTATED_BY = [1, 2];

export interface HowToRun {
  seed: number;
  /** True for AWS services without limits. */
  unlimitedServices: boolean;
  workers: Workers;
  say(line: string): void;
}

/**
 * Measures each size three times: with the clouds' real call rates in the connections' limits, with
 * overstated rates, and with the baseline (no governor).
 */
export async function measureMakespans(
  asked: readonly Asked[],
  { seed, unlimitedServices, workers, say }: HowToRun,
): Promise<MakespanCase[]> {
  const casesOf = async (size: Asked): Promise<MakespanCase[]> => {
    const run = async (name: string, overstatedBy?: number) => {
      const told = (words: string) => say(`${size.instances} in ${size.fleets} fleets, ${name}: ${words}`);
      const job = {
        ...size,
        seed,
        unlimitedServices,
        ...(overstatedBy === undefined ? {} : { overstatedBy }),
      };
      const measured = await workers.run(job, (made, seconds) =>
        told(`${made} instances created after ${seconds} s of virtual time`),
      );
      told(`${rounded(measured.makespanSeconds)} s`);
      return measured;
    };
    const ours = async (overstatedBy: number) => {
      const measured = await run(`rates ${overstatedBy}x`, overstatedBy);
      return { overstatedBy, measured };
    };
    const [runs, baseline] = await Promise.all([Promise.all(OVERSTATED_BY.map(ours)), run('baseline')]);
    return runs.map(({ overstatedBy, measured }) => caseOf(size, overstatedBy, measured, baseline));
  };
  // The longest runs begin first. Otherwise a long run could begin last, and the other threads would be idle until it
  // ends.
  const bySize = asked.toSorted((one, other) => other.instances - one.instances);
  const cases = new Map(await Promise.all(bySize.map(async (size) => [size, await casesOf(size)] as const)));
  return asked.flatMap((size) => cases.get(size) ?? []);
}

/** Ratios of runs that differ only by the seed. */
export interface Ratios {
  meanRatio: number;
  worstRatio: number;
  /** In the order of the seeds. */
  ratios: number[];
}

/**
 * Measures one size, that of the demo's fleets by default, with `count` seeds from `seed` on and with the clouds' real
 * call rates in the connections' limits.
 */
export async function measureRatios(
  count: number,
  { seed: first, unlimitedServices, workers, say }: HowToRun,
  size = DEMO,
): Promise<Ratios> {
  const ratios = await Promise.all(
    Array.from({ length: count }, async (_, at) => {
      const seed = first + at;
      const measured = await workers.run({ ...size, seed, unlimitedServices, overstatedBy: 1 });
      const ratio = measured.makespanSeconds / measured.idealSeconds;
      say(`seed ${seed}: ratio ${rounded(ratio)}, ${measured.throttled} throttled`);
      return ratio;
    }),
  );
  return {
    meanRatio: rounded(ratios.reduce((sum, ratio) => sum + ratio, 0) / count),
    worstRatio: rounded(Math.max(...ratios)),
    ratios: ratios.map(rounded),
  };
}

function caseOf(
  size: Asked,
  overstatedBy: number,
  { running: _, ...measured }: Measured,
  baseline: Measured,
): MakespanCase {
  return {
    ...size,
    overstatedBy,
    ...measured,
    makespanSeconds: rounded(measured.makespanSeconds),
    idealSeconds: rounded(measured.idealSeconds),
    ratio: rounded(measured.makespanSeconds / measured.idealSeconds),
    baselineMakespanSeconds: rounded(baseline.makespanSeconds),
    baselineThrottled: baseline.throttled,
  };
}

const rounded = (value: number): number => Number(value.toFixed(2));
