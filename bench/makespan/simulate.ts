import type { FleetRequest } from '../../functions/model/fleet-request.ts';
import { inVirtualTime } from '../virtual/stack.ts';
import { cloudsFor, type Measured, measure } from './clouds.ts';
import { sizeOf } from './fleets.ts';
import type { Job } from './job.ts';

/**
 * How long until all of these fleets' instances run.
 *
 * @param job how many times the clouds' call rates the connections' limits are, and whether Lambda scales as it does
 * @param say told now and then how many have been asked for, and how much time has passed for them
 * @throws Error when they do not come to run
 */
export async function simulate(
  fleets: readonly FleetRequest[],
  { overstatedBy, scalesSlowly, seed }: Pick<Job, 'scalesSlowly' | 'seed'> & { overstatedBy: number },
  say?: (made: number, seconds: number) => void,
): Promise<Measured> {
  const wanted = sizeOf(fleets);
  const options = { seed, clouds: cloudsFor(wanted), overstatedBy, scalesSlowly };
  return await inVirtualTime(options, async (stack) => {
    const startMs = stack.lab.ground.now();
    await Promise.all(fleets.map((request) => stack.create(request)));
    await stack.untilRunning(wanted, say);
    return measure(stack.lab.clouds, startMs);
  });
}
