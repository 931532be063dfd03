import type { Clock } from '../runtime/clock.ts';

const SHORTEST_MS = 2_000;
const LONGEST_MS = 20_000;
/** Ratio of a message's delay to the time since the first failure. */
const SHARE = 0.5;
/**
 * Maximum random change of a delay, up or down, as a fraction of the delay. Messages that failed together therefore
 * come back at different times.
 */
const JITTER = 0.5;

const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 300_000;

/**
 * Computes the delay of messages while an AWS service fails. The delay grows with the time since the first failure
 * after the last success.
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

  /** Records a transient error. @returns the delay of the message, in milliseconds */
  waitMs(): number {
    const nowMs = this.#clock.now();
    this.#sinceMs ??= nowMs;
    const usualMs = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, (nowMs - this.#sinceMs) * SHARE));
    return Math.round(usualMs * (1 + JITTER * (2 * this.#random() - 1)));
  }

  /** Records a success. The next delay is the shortest again. */
  relieve(): void {
    this.#sinceMs = undefined;
  }
}

/**
 * Returns the delay of a message that failed for a reason other than a failing AWS service: 5, 10, 20, … seconds, at
 * most 5 minutes.
 *
 * @param receives number of times that the queue has delivered the message, including this delivery
 * @returns milliseconds
 */
export function retryAfterMs(receives: number): number {
  return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.max(0, receives - 1));
}
