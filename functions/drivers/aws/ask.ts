import type { CallGate, CloudCall } from '../contract/call-gate.ts';
import type { DriverError } from '../contract/errors.ts';
import type { DriverClock } from '../contract/surroundings.ts';
import { type CallEffect, driverErrorOf } from './errors.ts';
import { inTime } from './settings.ts';

/** The call gate and the clock that each request of a client needs. */
export interface Surroundings {
  calls: CallGate;
  clock: DriverClock;
}

/**
 * Sends one request to a service of AWS, with a permit and a time-out. Throws only DriverError.
 *
 * @param send makes one call of the SDK, which sends only one request, because SDK retries are off
 * @param judge finds out what a refusal means; the gate then sees that meaning
 */
export async function ask<Answer>(
  { calls, clock }: Surroundings,
  call: CloudCall,
  send: (options: { abortSignal: AbortSignal }) => Promise<Answer>,
  judge: (refusal: DriverError) => DriverError | Promise<DriverError> = (refusal) => refusal,
): Promise<Answer> {
  return await calls.send(call, async (permit) => {
    permit.use();
    try {
      return await inTime(clock, send);
    } catch (error) {
      throw await judge(driverErrorOf(error, call.action, effectOf(call)));
    }
  });
}

/**
 * Returns the effect of a call. A sign-in counts as a read, because it creates nothing that must be removed: if its
 * answer is lost, the role's keys expire unused.
 */
function effectOf({ kind }: CloudCall): CallEffect {
  return kind === 'list' || kind === 'sign-in' ? 'reads' : 'changes';
}
