import { type PhaseCounts, type UsdPer1000, usdPer1000 } from '../measure/cost.ts';
import type { KeptHours } from './hours.ts';
import type { LaunchCase } from './launches.ts';

export interface FunctionMemory {
  name: string;
  /** The largest resident set, in MB, of the processes that ran the handler. */
  peakMemoryMb: number;
}

/**
 * What `bench -- cost` measures: the AWS usage of launches, the AWS usage of running instances, and the memory of
 * each function.
 */
export interface Counted {
  launch: PhaseCounts;
  kept: KeptHours;
  cases: readonly LaunchCase[];
  functions: readonly FunctionMemory[];
}

const COUNTS = [
  'apiRequests',
  'readUnits',
  'writeUnits',
  'sqsRequests',
  'transitions',
  'invocations',
  'gbSeconds',
  'cloudCalls',
] as const;

/** Returns the JSON line of `bench -- cost`. */
export function costDocument({ launch, kept, functions, cases }: Counted) {
  const [launched, hours] = usd({ launch, kept });
  return {
    usdPer1000Launches: rounded(launched.total, 5),
    usdPer1000InstanceHours: rounded(hours.total, 5),
    stateTransitionsPerLaunch: rounded(launch.transitions / launch.instances, 3),
    writeUnitsPerLaunch: rounded(launch.writeUnits / launch.instances, 3),
    functions,
    perLaunch: each(launch, launch.instances),
    per1000InstanceHours: each(kept, kept.instanceHours / 1_000),
    usdPer1000LaunchesByService: byService(launched),
    usdPer1000InstanceHoursByService: byService(hours),
    launches: launch.instances,
    cases: cases.map(({ name, use }) => {
      const spent = usdPer1000(use);
      return {
        case: name,
        launches: use.instances,
        usdPer1000Launches: rounded(spent.total, 5),
        stateTransitionsPerLaunch: rounded(use.transitions / use.instances, 3),
        writeUnitsPerLaunch: rounded(use.writeUnits / use.instances, 3),
        perLaunch: each(use, use.instances),
        usdPer1000LaunchesByService: byService(spent),
      };
    }),
    stableFleet: {
      instances: kept.instances,
      locations: kept.locations,
      hours: kept.instanceHours / kept.instances,
    },
  };
}

/** Returns the cost of 1,000 launches and of 1,000 instance-hours, in dollars. */
export function usd({ launch, kept }: Pick<Counted, 'launch' | 'kept'>): [UsdPer1000, UsdPer1000] {
  return [usdPer1000(launch), usdPer1000({ ...kept, instances: kept.instanceHours })];
}

export function each(counts: PhaseCounts, by: number): Record<string, number> {
  return Object.fromEntries(COUNTS.map((name) => [name, rounded(counts[name] / by, 4)]));
}

const byService = (parts: UsdPer1000): Record<string, number> =>
  Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, rounded(value, 6)]));

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));
