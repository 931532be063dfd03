import { readBooks } from '../../local/sim/engine/books.ts';
import { type CloudConfig, loadSimConfig } from '../../local/sim/engine/config.ts';
import type { Clouds } from '../../test/chaos/models/clouds.ts';
import { measureRun } from '../ideal/from-books.ts';
import { SIMULATED_LIMITS } from '../ideal/limits.ts';

/** Maximum number of instances for which the clouds keep their quotas. The demo's fleets have this many instances. */
const WITHIN_QUOTAS = 1_110;

/** Returns the simulated clouds. If the run has more instances than the demo, the clouds have no quotas. */
export function cloudsFor(instances: number): Record<string, CloudConfig> {
  return instances <= WITHIN_QUOTAS ? loadSimConfig().clouds : cloudsWithoutQuotas();
}

/** Returns the simulated clouds with their limits except quotas, which would stop the larger fleets. */
export function cloudsWithoutQuotas(): Record<string, CloudConfig> {
  return Object.fromEntries(
    Object.entries(loadSimConfig().clouds).map(([name, cloud]) => [
      name,
      {
        ...cloud,
        instanceQuota: Number.MAX_SAFE_INTEGER,
        vcpuQuota: undefined,
        showsQuotas: false,
        locations: withoutQuotas(cloud.locations),
      },
    ]),
  );
}

function withoutQuotas(locations: CloudConfig['locations']): CloudConfig['locations'] {
  return Object.fromEntries(
    Object.entries(locations).map(([name, { instanceQuota: _i, vcpuQuota: _v, ...location }]) => [
      name,
      location,
    ]),
  );
}

export interface Measured {
  running: number;
  makespanSeconds: number;
  idealSeconds: number;
  calls: number;
  throttled: number;
  /**
   * Number of creates that the clouds refused because all slots of a location, or all location slots of an account,
   * were taken.
   */
  limitViolations: number;
}

/** Measures a run by the clouds' own record of instances and calls. The run began at `startMs`. */
export function measure({ engine }: Clouds, startMs: number): Measured {
  const books = readBooks(engine.world);
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  const { instances, makespanSeconds, idealSeconds } = measureRun({
    books,
    limits: SIMULATED_LIMITS,
    startedAt: new Date(startMs).toISOString(),
  });
  return {
    running: instances,
    makespanSeconds,
    idealSeconds,
    calls: sum(books.clouds.flatMap(({ calls }) => Object.values(calls))),
    throttled: sum(books.clouds.map(({ throttled }) => throttled)),
    limitViolations: sum(
      books.clouds.flatMap(({ limitViolations }) =>
        Object.entries(limitViolations).map(([limit, count]) => (limit.endsWith('Slots') ? count : 0)),
      ),
    ),
  };
}
