import type { CallKind, LimitProfile } from '../../model/limit-profile.ts';
import { MAX_PER_SECOND, perSecondOf } from '../../model/rate.ts';
import type { RateLimit } from './rate.ts';

/** A rate that delays no call. */
const AT_ONCE: RateLimit = { perSecond: MAX_PER_SECOND, burst: MAX_PER_SECOND };

/** What a cloud meters when it creates machines at one location. */
export interface CreateRates {
  /** Rate limit of create calls. */
  calls: RateLimit;
  /** Rate limit of the machines that these calls ask for. Absent: the cloud meters only calls. */
  machines?: RateLimit;
}

/**
 * Returns the rate limits of creates at one location, which depend on the profile's `pacing`. With `all-at-once`, the
 * rate delays no call, because the cloud itself queues create calls.
 */
export function createRates({ calls, instances, pacing, minimumSpacingMs }: LimitProfile): CreateRates {
  const spacing = minimumSpacingMs === undefined ? {} : { spacingMs: minimumSpacingMs };
  if (pacing === 'all-at-once') return { calls: { ...AT_ONCE, ...spacing } };
  const rate = pacing === 'even' ? { perSecond: perSecondOf(calls.create), burst: 1 } : calls.create;
  return { calls: { ...rate, ...spacing }, ...(instances === undefined ? {} : { machines: instances }) };
}

/**
 * Returns the rate limit of one kind of call at one location from the limit profile. Throttles do not change this
 * limit. They lower `rateMultiplier`, the factor by which the schedule multiplies this limit.
 */
export function rateLimitOf(limits: LimitProfile, kind: CallKind): RateLimit {
  return kind === 'create' ? createRates(limits).calls : limits.calls[kind];
}
