import type { FleetRequest } from '../../functions/model/fleet-request.ts';
import { inVirtualTime, type VirtualOptions } from '../virtual/stack.ts';
import { cloudsFor, type Measured, measure } from './clouds.ts';
import { sizeOf } from './fleets.ts';

/**
 * Measures the time until all instances of these fleets run.
 *
 * @param say is called from time to time with the number of instances created so far, and the virtual seconds that
 *   have passed
 * @throws Error if not all instances run
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
