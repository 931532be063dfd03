/** Returns the time. Functions get a clock as a dependency, so that tests and simulations can control the time. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
}

/** A clock that can also wait. */
export interface Timer extends Clock {
  sleep(ms: number): Promise<void>;
}

export const systemClock: Timer = {
  now: () => Date.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
