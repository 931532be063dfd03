import { cloudsWithoutQuotas } from '../makespan/clouds.ts';
import { fleetsOf } from '../makespan/fleets.ts';
import type { PhaseCounts } from '../measure/cost.ts';
import { inVirtualTime } from '../virtual/stack.ts';
import { countUse } from './count-use.ts';

/**
 * Virtual time in ms after which all poll loops have ended and the schedule `watch` no longer starts them.
 */
const AT_REST_MS = 10 * 60_000;
const HOUR_MS = 3_600_000;

export interface HoursAsked {
  instances: number;
  hours: number;
  seed: number;
  /** Mean bytes of log text of one invocation. The caller measures this mean in a separate run. */
  logBytesPerInvocation: number;
  /** True for AWS services without limits. */
  unlimitedServices?: boolean;
}

export interface KeptHours extends PhaseCounts {
  /** Number of instances multiplied by hours. */
  instanceHours: number;
  locations: number;
}

/** Counts what a running fleet uses in `hours` hours of virtual time. */
export async function countKeptHours({
  instances,
  hours,
  seed,
  logBytesPerInvocation,
  unlimitedServices = false,
}: HoursAsked): Promise<KeptHours> {
  const options = { seed, clouds: cloudsWithoutQuotas(), overstatedBy: 1, unlimitedServices };
  return await inVirtualTime(options, async (stack) => {
    const { lab } = stack;
    await Promise.all(fleetsOf(instances, 1).map((request) => stack.create(request)));
    await stack.untilRunning(instances);
    await lab.ground.sleep(AT_REST_MS);
    const use = await countUse(lab, { instances, logBytesPerInvocation }, () =>
      lab.ground.sleep(hours * HOUR_MS),
    );
    return {
      ...use,
      instanceHours: instances * hours,
      locations: lab.clouds.sites.filter(({ live }) => live.size > 0).length,
    };
  });
}
