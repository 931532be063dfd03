/** Where the queue was quiet. */
const FIRST = 5;
/** While messages are left: 300 more each minute. */
export const GROWN_AFTER_MS = 200;
/** AWS does not say when it goes back to the first ones; here, when there was no need of more for so long. */
const QUIET_MS = 60_000;

/**
 * How many batches of a standard queue Lambda works at, at a time
 * (docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html): a few at first, and more the longer they are not
 * enough.
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

  /** @param busy how many batches are being worked at, while messages are left */
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
