export interface BucketRate {
  perSecond: number;
  burst: number;
}

/** Implements a cloud's rate limit. The bucket is full at first and is refilled evenly. */
export class TokenBucket {
  #tokens: number;
  #filledAtMs: number;
  readonly #rate: BucketRate;

  constructor(rate: BucketRate, nowMs: number) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#filledAtMs = nowMs;
  }

  /** Returns the milliseconds until this many tokens are available; 0 if they are available now. */
  waitMs(nowMs: number, count = 1): number {
    const elapsedMs = Math.max(0, nowMs - this.#filledAtMs);
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + (elapsedMs / 1_000) * this.#rate.perSecond);
    this.#filledAtMs = nowMs;
    // The number of tokens is a sum of fractions. Without this tolerance, rounding errors would refuse evenly
    // spaced calls.
    const missing = count - this.#tokens;
    return missing > 1e-9 ? Math.ceil((missing / this.#rate.perSecond) * 1_000) : 0;
  }

  /** Takes tokens, which must be available. */
  take(count = 1): void {
    this.#tokens -= count;
  }
}
