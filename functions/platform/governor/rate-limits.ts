import {
  type CallKind,
  CONNECTION_BUCKETS,
  type ConnectionBucket,
  type LimitProfile,
} from '../../model/limit-profile.ts';
import { isWindow, MAX_PER_SECOND, perSecondOf, type Rate } from '../../model/rate.ts';
import { familyOf } from './quotas.ts';
import type { RateLimit } from './rate.ts';

/** A rate that delays no call. */
const AT_ONCE: RateLimit = { perSecond: MAX_PER_SECOND, burst: MAX_PER_SECOND };

/** What a cloud meters when it creates machines at one location. */
export interface CreateRates {
  /** Rate limit of create calls. */
  calls: RateLimit;
  /** Rate limit of the machines that these calls ask for. Absent: the cloud meters only calls. */
  machines?: RateLimit;
  /** Rate limit of the machines of one family of instance types, which has a schedule of its own. */
  family?: { name: string; limit: RateLimit };
}

/** Returns the rate limits of creates of one instance type, with those of its family. */
export function createRatesOf(limits: LimitProfile, instanceType: string): CreateRates {
  const rates = createRates(limits);
  const name = familyOf(instanceType);
  const limit = familyRate(limits, name);
  return limit ? { ...rates, family: { name, limit } } : rates;
}

/** Returns the rate limit of the machines of a family of instance types; undefined if it has none of its own. */
export function familyRate({ families, reserve, pacing }: LimitProfile, name: string): RateLimit | undefined {
  const own = pacing === 'all-at-once' ? undefined : families?.[name];
  return own && less(own.instances, reserve);
}

/** Names of the buckets over all locations that a call of each kind takes from. */
const BUCKETS_OF: Readonly<Record<CallKind, readonly ConnectionBucket[]>> = {
  create: ['create', 'change'],
  list: ['list'],
  mutate: ['mutate', 'change'],
};

interface ConnectionRate {
  bucket: ConnectionBucket;
  limit: RateLimit;
}

/** Returns the rate limits over all locations of a connection. */
export function connectionBuckets({ connectionCalls, reserve }: LimitProfile): ConnectionRate[] {
  return CONNECTION_BUCKETS.flatMap((bucket) => {
    const rate = connectionCalls?.[bucket];
    return rate ? [{ bucket, limit: less(rate, reserve) }] : [];
  });
}

/** Returns the rate limits over all locations that a call of this kind has to keep. */
export function connectionRates(limits: LimitProfile, kind: CallKind): ConnectionRate[] {
  if (kind === 'create' && limits.pacing === 'all-at-once') return [];
  return connectionBuckets(limits).filter(({ bucket }) => BUCKETS_OF[kind].includes(bucket));
}

/**
 * Returns the rate limits of creates at one location, which depend on the profile's `pacing`. With `all-at-once`, the
 * rate delays no call, because the cloud itself queues create calls.
 */
export function createRates({
  calls,
  instances,
  pacing,
  minimumSpacingMs,
  reserve,
}: LimitProfile): CreateRates {
  const spacing = minimumSpacingMs === undefined ? {} : { spacingMs: minimumSpacingMs };
  if (pacing === 'all-at-once') return { calls: { ...AT_ONCE, ...spacing } };
  const rate = pacing === 'even' ? { perSecond: perSecondOf(calls.create), burst: 1 } : calls.create;
  return {
    calls: { ...less(rate, reserve), ...spacing },
    ...(instances === undefined ? {} : { machines: less(instances, reserve) }),
  };
}

/** Returns a rate without the part that is left for other programs in the account. Bursts stay whole. */
function less(rate: Rate, reserve = 0): Rate {
  if (isWindow(rate)) return { ...rate, count: Math.max(1, rate.count * (1 - reserve)) };
  return { ...rate, perSecond: rate.perSecond * (1 - reserve) };
}

/**
 * Returns the rate limit of one kind of call at one location from the limit profile. Throttles do not change this
 * limit. They lower `rateMultiplier`, the factor by which the schedule multiplies this limit.
 */
export function rateLimitOf(limits: LimitProfile, kind: CallKind): RateLimit {
  return kind === 'create' ? createRates(limits).calls : less(limits.calls[kind], limits.reserve);
}

/** Prefix of the buckets of actions. The other buckets have the name of a kind of call. */
const ACTION_BUCKET = 'action ';

/** Returns the action whose bucket has this name; undefined if the bucket is that of a kind of call. */
export const actionOf = (bucket: string): string | undefined =>
  bucket.startsWith(ACTION_BUCKET) ? bucket.slice(ACTION_BUCKET.length) : undefined;

/** What a cloud meters for one kind of call, or for one action that has buckets of its own. */
export interface CallRates {
  calls: RateLimit;
  /** Rate limit of the machines that the calls are about. Absent: the cloud meters only calls. */
  machines?: RateLimit;
  /** Name of the bucket among those of the location. */
  bucket: string;
}

/** Returns the rate limits of a call that creates no machine. */
export function callRatesOf(
  limits: LimitProfile,
  { action, kind }: { action?: string | undefined; kind: Exclude<CallKind, 'create'> },
): CallRates {
  const own = action === undefined ? undefined : limits.actions?.[action];
  if (!own || action === undefined) return { calls: rateLimitOf(limits, kind), bucket: kind };
  return {
    calls: less(own.calls, limits.reserve),
    ...(own.instances === undefined ? {} : { machines: less(own.instances, limits.reserve) }),
    bucket: `${ACTION_BUCKET}${action}`,
  };
}
