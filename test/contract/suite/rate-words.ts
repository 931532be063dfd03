/** Headers of a throttled call, which give the wait in more than one way. */
export const RATE_HEADERS = {
  'retry-after': '3',
  ratelimit: '"calls";r=0;t=60',
  'ratelimit-policy': '"calls";q=12;w=3',
} as const;

/**
 * The values that a driver must read from `RATE_HEADERS`: `Retry-After` has precedence, and the policy has
 * the rate.
 */
export const RATE_WORDS = { retryAfterMs: 3_000, limitPerSecond: 4 } as const;
