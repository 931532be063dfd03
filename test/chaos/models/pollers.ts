/** How Lambda raises the number of batches of a queue that it handles together. */
export interface Scaling {
  /** Number of batches after a quiet period. */
  first: number;
  /** Number of batches that are added in a minute while messages wait. */
  addedPerMinute: number;
}

const MINUTE_MS = 60_000;
/**
 * Time in ms after which the number of batches falls back to the first number if no further batch was
 * needed. AWS does not document this time.
 */
const QUIET_MS = 60_000;

/**
 * Models how many batches of a standard queue Lambda handles together: a few at first, and more the longer
 * messages wait (docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html). Lambda never has fewer than these few:
 * it reduces them to two only for a queue without a maximum concurrency, which each driver's queue has.
 */
export class Pollers {
  readonly #first: number;
  readonly #most: number;
  /** Time in ms after which Lambda handles one more batch while messages wait. */
  readonly grownAfterMs: number;
  #count: number;
  #grownAtMs = 0;
  #neededAtMs = 0;

  /** @param most the event source's maximum concurrency */
  constructor({ first, addedPerMinute }: Scaling, most: number) {
    this.#first = Math.min(first, most);
    this.#most = most;
    this.grownAfterMs = MINUTE_MS / addedPerMinute;
    this.#count = this.#first;
  }

  /**
   * Returns how many batches Lambda may handle together. Call it while messages wait.
   *
   * @param busy number of batches that are being handled
   */
  countAt(nowMs: number, busy: number): number {
    if (nowMs > this.#neededAtMs + QUIET_MS) this.#count = this.#first;
    if (busy < this.#count) {
      this.#grownAtMs = nowMs;
      return this.#count;
    }
    this.#neededAtMs = nowMs;
    const more = Math.floor((nowMs - this.#grownAtMs) / this.grownAfterMs);
    this.#grownAtMs += more * this.grownAfterMs;
    this.#count = Math.min(this.#most, this.#count + more);
    return this.#count;
  }
}
