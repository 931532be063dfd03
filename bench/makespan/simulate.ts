import type { FleetRequest } from '../../functions/model/fleet-request.ts';
import { inVirtualTime, type VirtualOptions } from '../virtual/stack.ts';
import { cloudsFor, type Measured, measure } from './clouds.ts';
import { sizeOf } from './fleets.ts';

/**
 * How long until all of these fleets' instances run.
 *
 * @param say told now and then how many have been asked for, and how much time has passed for them
 * @throws Error when they do not come to run
 */
export async function simulate(
  fleets: readonly FleetRequest[],
  world: Omit<VirtualOptions, 'clouds'>,
  say?: (made: number, seconds: number) => void,
): Promise<Measured> {
  const wanted = sizeOf(fleets);
  return await inVirtualTime({ ...world, clouds: cloudsFor(wanted) }, async (stack) => {
    const startMs = stack.lab.ground.now();
    await Promise.all(fleets.map((request) => stack.create(request)));
    await stack.untilRunning(wanted, say);
    return measure(stack.lab.clouds, startMs);
  });
}
