/** What a throttled call is answered with beside its status: more than one way of saying when to come again. */
export const RATE_HEADERS = {
  'retry-after': '3',
  ratelimit: '"calls";r=0;t=60',
  'ratelimit-policy': '"calls";q=12;w=3',
} as const;

/** What a driver has to take from it: `Retry-After` goes first, and the policy has the rate. */
export const RATE_WORDS = { retryAfterMs: 3_000, limitPerSecond: 4 } as const;
