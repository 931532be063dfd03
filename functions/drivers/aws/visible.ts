import { DriverError } from '../contract/errors.ts';
import { type DriverClock, sleepBy } from '../contract/surroundings.ts';

/** EC2 may not know for some moments what it has just made. */
const WAITS_MS = [300, 700, 1_500];

/** Makes a call again that does not find what it needs, before that is believed. A `NotFound` had no effect. */
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
