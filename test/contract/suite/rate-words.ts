/** Headers of the answer to a throttled call. They state the wait time in two ways. */
export const RATE_HEADERS = {
  'retry-after': '3',
  ratelimit: '"calls";r=0;t=60',
  'ratelimit-policy': '"calls";q=12;w=3',
} as const;

/**
 * Values that a driver must read from `RATE_HEADERS`. The wait time is that of `Retry-After`, which takes
 * precedence. The rate limit is that of the policy.
 */
export const RATE_WORDS = { retryAfterMs: 3_000, limitPerSecond: 4 } as const;
