import type { Permit } from './call-gate.ts';

/**
 * Sends one request; `fetch`, or what plays the cloud in the same process.
 *
 * @param signal aborts when the call has taken too long
 * @param permit is used up by it
 */
export type Send = (request: Request, signal: AbortSignal, permit: Permit) => Promise<Response>;

/** Time as drivers use it, passed in so that tests and simulations own it. */
export interface DriverClock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `wake` after so long. @returns what to call when that is of no more use */
  wakeIn(ms: number, wake: () => void): () => void;
}

// The signal is not inside of the Request: nothing holds on to it there, and once it is collected, a call that the
// cloud does not answer waits for undici's own five minutes.
export const sendByFetch: Send = (request, signal, permit) => {
  permit.use();
  return fetch(request, { signal });
};

export const systemTime: DriverClock = {
  now: () => Date.now(),
  wakeIn: (ms, wake) => {
    const timer = setTimeout(wake, ms);
    return () => clearTimeout(timer);
  },
};

export function sleepBy(clock: DriverClock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.wakeIn(ms, resolve);
  });
}

/** Gives some work a signal that aborts with a `TimeoutError` after so long. @throws what the work throws */
export async function within<Answer>(
  clock: DriverClock,
  ms: number,
  work: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const controller = new AbortController();
  const cancel = clock.wakeIn(ms, () => controller.abort(new DOMException('timed out', 'TimeoutError')));
  try {
    return await work(controller.signal);
  } finally {
    cancel();
  }
}
