import type { Bucket } from '../../../../functions/model/rate.ts';

/**
 * Models a cloud's token bucket, independently of the code under test.
 *
 * @returns a function that returns whether the cloud accepts a call at a time in ms; times must not decrease
 */
export function tokenBucket({ perSecond, burst }: Bucket): (atMs: number) => boolean {
  let tokens = burst;
  let filledAtMs = 0;
  return (atMs) => {
    tokens = Math.min(burst, tokens + ((atMs - filledAtMs) * perSecond) / 1_000);
    filledAtMs = atMs;
    if (tokens < 1 - 1e-6) return false;
    tokens -= 1;
    return true;
  };
}
