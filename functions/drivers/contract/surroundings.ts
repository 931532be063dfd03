import type { Permit } from './call-gate.ts';

/**
 * Sends one request to a cloud (`sendThrough`), or to a simulated cloud in the same process.
 *
 * @param signal aborts if the call takes too long
 * @param permit the permit of the request; `Send` marks it as used
 */
export type Send = (request: Request, signal: AbortSignal, permit: Permit) => Promise<Response>;

/** Provides the time to drivers. Tests and simulations pass in another clock, to control the time. */
export interface DriverClock {
  /** Returns milliseconds since 1970. */
  now(): number;
  /** Calls `wake` after this time. @returns a function that cancels the call */
  wakeIn(ms: number, wake: () => void): () => void;
}

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

/** Runs `work` with a signal that aborts with a `TimeoutError` after `ms`. @throws what `work` throws */
export async function within<Answer>(
  clock: DriverClock,
  ms: number,
  work: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const controller = new AbortController();
  const cancel = clock.wakeIn(ms, () =>
    controller.abort(new DOMException('the request timed out', 'TimeoutError')),
  );
  try {
    return await work(controller.signal);
  } finally {
    cancel();
  }
}
