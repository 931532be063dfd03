import { DriverError } from '../contract/errors.ts';
import { type DriverClock, sleepBy } from '../contract/surroundings.ts';

/** Delays before the retries, in ms. EC2 may not show a resource in the first moments after its creation. */
const WAITS_MS = [300, 700, 1_500];

/**
 * Repeats a call that fails with `NotFound`, and throws only the last error. Repeating is safe, because a call that
 * fails with `NotFound` had no effect.
 */
export async function whenVisible<Answer>(clock: DriverClock, call: () => Promise<Answer>): Promise<Answer> {
  for (const waitMs of WAITS_MS) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof DriverError) || error.code !== 'NotFound') throw error;
      await sleepBy(clock, waitMs);
    }
  }
  return await call();
}
