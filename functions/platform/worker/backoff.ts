import type { Clock } from '../runtime/clock.ts';

const SHORTEST_MS = 2_000;
const LONGEST_MS = 20_000;
/** Waits are this share of the time that trouble has lasted: a message comes back a few times while that doubles. */
const SHARE = 0.5;
/** Drawn around it, so that those who failed together do not come back together. */
const JITTER = 0.5;

const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 300_000;

/**
 * How long messages wait for a service of AWS that cannot do its part now: the longer, the longer this process has
 * met with nothing else, so that a service that is down for minutes is not asked by every message every other second.
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

  /** A call failed with a transient error. @returns how long to wait, in milliseconds */
  waitMs(): number {
    const nowMs = this.#clock.now();
    this.#sinceMs ??= nowMs;
    const usualMs = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, (nowMs - this.#sinceMs) * SHARE));
    return Math.round(usualMs * (1 + JITTER * (2 * this.#random() - 1)));
  }

  /** Something went well. */
  relieve(): void {
    this.#sinceMs = undefined;
  }
}

/**
 * When a message that failed for a reason of its own comes back: after 5, 10, 20, … seconds, 5 minutes at most.
 *
 * @param receives how often the queue has handed it out, this time included
 * @returns milliseconds
 */
export function retryAfterMs(receives: number): number {
  return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.max(0, receives - 1));
}
