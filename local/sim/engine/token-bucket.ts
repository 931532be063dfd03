export interface BucketRate {
  perSecond: number;
  burst: number;
}

/**
 * Implements a cloud's rate limit. The bucket is full at first and is refilled evenly. Each call takes one
 * token.
 */
export class TokenBucket {
  #tokens: number;
  #filledAtMs: number;
  readonly #rate: BucketRate;

  constructor(rate: BucketRate, nowMs: number) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#filledAtMs = nowMs;
  }

  /**
   * Takes a token if there is one.
   *
   * @returns 0 if a token was taken, else the milliseconds until a token is available
   */
  take(nowMs: number): number {
    const elapsedMs = Math.max(0, nowMs - this.#filledAtMs);
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + (elapsedMs / 1_000) * this.#rate.perSecond);
    this.#filledAtMs = nowMs;
    // The number of tokens is a sum of fractions. Without this tolerance, rounding errors would refuse evenly
    // spaced calls.
    if (this.#tokens < 1 - 1e-9) return Math.ceil(((1 - this.#tokens) / this.#rate.perSecond) * 1_000);
    this.#tokens -= 1;
    return 0;
  }
}
