import type { CallGate, CloudCall } from '../contract/call-gate.ts';
import type { DriverClock } from '../contract/surroundings.ts';
import { type CallEffect, driverErrorOf } from './errors.ts';
import { inTime } from './settings.ts';

/** What each request of a client goes through. */
export interface Surroundings {
  calls: CallGate;
  clock: DriverClock;
}

/**
 * Sends one request to a service of AWS: by a permit, with a time-out, and with no error but DriverError.
 *
 * @param send calls the SDK once, which sends one request, since it tries nothing twice
 */
export async function ask<Answer>(
  { calls, clock }: Surroundings,
  call: CloudCall,
  send: (options: { abortSignal: AbortSignal }) => Promise<Answer>,
): Promise<Answer> {
  return await calls.send(call, async (permit) => {
    permit.use();
    try {
      return await inTime(clock, send);
    } catch (error) {
      throw driverErrorOf(error, call.action, effectOf(call));
    }
  });
}

/** A role's keys end by themselves, so that an unknown outcome of a sign-in does no harm. */
function effectOf({ kind }: CloudCall): CallEffect {
  return kind === 'list' || kind === 'sign-in' ? 'reads' : 'changes';
}
