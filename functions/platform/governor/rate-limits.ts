import { type CallKind, type LimitProfile, MAX_PER_SECOND } from '../../model/limit-profile.ts';
import type { RateLimit } from './rate.ts';

/** A rate that delays no call. */
const AT_ONCE: RateLimit = { perSecond: MAX_PER_SECOND, burst: MAX_PER_SECOND };

/**
 * Returns the rate limit of creates at one location, which depends on the profile's `pacing`. With `all-at-once`, the
 * rate delays no call, because the cloud itself queues create calls.
 */
export function createRateLimit({ calls, pacing, minimumSpacingMs }: LimitProfile): RateLimit {
  const spacing = minimumSpacingMs === undefined ? {} : { spacingMs: minimumSpacingMs };
  switch (pacing) {
    case 'all-at-once':
      return { ...AT_ONCE, ...spacing };
    case 'even':
      return { perSecond: calls.create.perSecond, burst: 1, ...spacing };
    case 'burst':
      return { ...calls.create, ...spacing };
  }
}

/**
 * Returns the rate limit of one kind of call at one location from the limit profile. Throttles do not change this
 * limit. They lower `rateMultiplier`, the factor by which the schedule multiplies this limit.
 */
export function rateLimitOf(limits: LimitProfile, kind: CallKind): RateLimit {
  return kind === 'create' ? createRateLimit(limits) : limits.calls[kind];
}
