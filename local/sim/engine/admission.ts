import { instanceQuotas, vcpusOf } from './quotas.ts';
import type { InstanceRecord, Violation } from './records.ts';
import { Refusal, type RefusalCode, type UsedUp } from './refusals.ts';
import { type CallName, meteredActionSchema, rateKindOf } from './requests.ts';
import type { Site } from './state.ts';
import { type BucketRate, TokenBucket } from './token-bucket.ts';
import type { Target, World } from './world.ts';

/**
 * In ms: if all slots are taken, a cloud tells the caller to retry after this time. A slot becomes free when an
 * instance runs, and clouds do not announce that time.
 */
const SLOT_RETRY_MS = 1_000;

/**
 * Enforces the clouds' limits. Token buckets are not in the journal (the file from which a restart restores the
 * clouds). Therefore they are full after a restart.
 */
export class Admission {
  readonly #world: World;
  readonly #buckets = new WeakMap<Site, Map<string, TokenBucket>>();

  constructor(world: World) {
    this.#world = world;
  }

  /**
   * Counts a call against its rate limit, and its instances against theirs. If one of the two limits does not allow the
   * call, it counts against neither.
   *
   * @param instances number of instances that the call asks for or names
   * @throws Refusal RateLimited
   */
  takeCall(target: Target, call: CallName, instances = 1): void {
    const meters = metersOf(target.cloud, call, instances);
    const buckets = this.#buckets.get(target.site) ?? new Map<string, TokenBucket>();
    this.#buckets.set(target.site, buckets);
    const taking = meters.map((meter) => {
      const bucket = buckets.get(meter.policy) ?? new TokenBucket(meter.rate, target.nowMs);
      buckets.set(meter.policy, bucket);
      return { ...meter, bucket };
    });
    for (const { policy, what, violation, rate, bucket, count } of taking) {
      const waitMs = bucket.waitMs(target.nowMs, count);
      if (waitMs === 0) continue;
      const message = `the rate limit of ${what} is exceeded`;
      const usedUp = { policy, perSecond: rate.perSecond };
      this.#refuse(target.site, violation, 'RateLimited', message, waitMs, usedUp);
    }
    for (const { bucket, count } of taking) bucket.take(count);
  }

  /**
   * Checks that one more instance may be created now.
   *
   * @throws Refusal QuotaExceeded, TooManyPendingInstances, TooManyPendingLocations
   */
  takeSlot(target: Target, { market, instanceType }: Pick<InstanceRecord, 'market' | 'instanceType'>): void {
    const { cloud, site, nowMs } = target;
    const { state } = this.#world;
    state.retire(site, nowMs);
    for (const { unit, name, limit, used } of instanceQuotas(target, market)) {
      const needed = unit === 'vcpus' ? vcpusOf(target, instanceType) : 1;
      if (used + needed > limit)
        throw new Refusal('QuotaExceeded', `the quota of ${site.key.location} is ${limit} ${name}`);
    }
    const pending = state.pendingAt(site, nowMs);
    const locations = cloud.slots.locations ?? Infinity;
    const instancesPerLocation = cloud.slots.instancesPerLocation ?? Infinity;
    if (pending >= instancesPerLocation) {
      this.#refuse(
        site,
        'instanceSlots',
        'TooManyPendingInstances',
        `${pending} instances are already being created at this location`,
        SLOT_RETRY_MS,
      );
    }
    if (pending > 0 || locations === Infinity) return;
    const busy = [...state.sites.values()].filter(
      (other) =>
        other.key.cloud === site.key.cloud &&
        other.key.account === site.key.account &&
        state.pendingAt(other, nowMs) > 0,
    );
    if (busy.length >= locations) {
      this.#refuse(
        site,
        'locationSlots',
        'TooManyPendingLocations',
        `instances are already being created at ${busy.length} locations`,
        SLOT_RETRY_MS,
      );
    }
  }

  #refuse(
    site: Site,
    violation: Violation,
    code: RefusalCode,
    message: string,
    retryAfterMs: number,
    usedUp?: UsedUp,
  ): never {
    this.#world.commit({ kind: 'throttled', site: site.key, violation });
    throw new Refusal(code, message, retryAfterMs, usedUp);
  }
}

interface Meter {
  /** Name of the limit in the answer to a refused call. */
  policy: string;
  /** What the limit counts, in words. */
  what: string;
  violation: Violation;
  rate: BucketRate;
  /** Number of tokens that the call takes. */
  count: number;
}

/** Returns the rate limits against which a cloud counts a call. Empty: the cloud does not limit the call. */
function metersOf({ rates }: Target['cloud'], call: CallName, instances: number): Meter[] {
  const kind = rateKindOf(call);
  if (!kind) return [];
  const { data: action } = meteredActionSchema.safeParse(call);
  const apart = action && rates.actions?.[action];
  const perInstance = kind === 'create' ? rates.instances : apart?.instances;
  const name = apart ? call : kind;
  return [
    {
      policy: name,
      what: `${name} calls`,
      violation: kind,
      rate: apart?.calls ?? rates[kind],
      count: 1,
    },
    ...(perInstance
      ? [
          {
            policy: `${name}-instances`,
            what: `instances in ${name} calls`,
            violation: kind,
            rate: perInstance,
            count: instances,
          },
        ]
      : []),
  ];
}
