/** Number of batches that Lambda handles together after a quiet period. */
const FIRST = 5;
/** Time in ms after which Lambda handles one more batch while messages wait. This adds 300 batches a minute. */
export const GROWN_AFTER_MS = 200;
/**
 * Time in ms after which the number of batches falls back to `FIRST` if no further batch was
 * needed. AWS does not document this time.
 */
const QUIET_MS = 60_000;

/**
 * Models how many batches of a standard queue Lambda handles together: a few at first, and more the longer
 * messages wait (docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html).
 */
export class Pollers {
  readonly #most: number;
  #count = FIRST;
  #grownAtMs = 0;
  #neededAtMs = 0;

  /** @param most the event source's maximum concurrency */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Returns how many batches Lambda may handle together. Call it while messages wait.
   *
   * @param busy number of batches that are being handled
   */
  countAt(nowMs: number, busy: number): number {
    if (nowMs > this.#neededAtMs + QUIET_MS) this.#count = Math.min(FIRST, this.#most);
    if (busy < this.#count) {
      this.#grownAtMs = nowMs;
      return this.#count;
    }
    this.#neededAtMs = nowMs;
    const more = Math.floor((nowMs - this.#grownAtMs) / GROWN_AFTER_MS);
    this.#grownAtMs += more * GROWN_AFTER_MS;
    this.#count = Math.min(this.#most, this.#count + more);
    return this.#count;
  }
}
