import type { Clock } from '../runtime/clock.ts';

const SHORTEST_MS = 2_000;
const LONGEST_MS = 20_000;
/**
 * A wait is this share of the time for which calls have failed: a message is retried a few times while that time
 * doubles.
 */
const SHARE = 0.5;
/** Relative jitter of a wait: messages that failed together do not come back together. */
const JITTER = 0.5;

const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 300_000;

/**
 * Computes how long messages wait while a service of AWS fails. The wait grows with the time since this process last
 * succeeded: while a service is down for minutes, not every message calls it every two seconds.
 */
export class Backoff {
  readonly #clock: Clock;
  readonly #random: () => number;
  #sinceMs: number | undefined;

  /** @param random draws from [0, 1) */
  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Records a transient error. @returns how long the message waits, in milliseconds */
  waitMs(): number {
    const nowMs = this.#clock.now();
    this.#sinceMs ??= nowMs;
    const usualMs = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, (nowMs - this.#sinceMs) * SHARE));
    return Math.round(usualMs * (1 + JITTER * (2 * this.#random() - 1)));
  }

  /** Records a success: the next wait is the shortest again. */
  relieve(): void {
    this.#sinceMs = undefined;
  }
}

/**
 * Returns how long a message waits after it failed for a reason other than a failing service: 5, 10, 20, … seconds, at
 * most 5 minutes.
 *
 * @param receives how often the queue has delivered the message, including this time
 * @returns milliseconds
 */
export function retryAfterMs(receives: number): number {
  return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.max(0, receives - 1));
}
