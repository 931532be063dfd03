/**
 * Headers of the answer to a throttled call. They state two different wait times: 3 s in `Retry-After`, and
 * 60 s in `RateLimit` (`t`).
 */
export const RATE_HEADERS = {
  'retry-after': '3',
  ratelimit: '"calls";r=0;t=60',
  'ratelimit-policy': '"calls";q=12;w=3',
} as const;

/**
 * Values that a driver must read from `RATE_HEADERS`. `Retry-After` takes precedence over `RateLimit`. The
 * rate limit is that of `RateLimit-Policy`: 12 calls in 3 s.
 */
export const RATE_WORDS = { retryAfterMs: 3_000, limitPerSecond: 4 } as const;
