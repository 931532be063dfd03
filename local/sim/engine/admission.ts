import type { Violation } from './records.ts';
import { Refusal, type RefusalCode, type UsedUp } from './refusals.ts';
import { type CallName, type RateKind, rateKindOf } from './requests.ts';
import type { Site } from './state.ts';
import { TokenBucket } from './token-bucket.ts';
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
  #buckets = new WeakMap<Site, Partial<Record<RateKind, TokenBucket>>>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Counts a call against its rate limit. @throws Refusal RateLimited */
  takeCall({ cloud, site, nowMs }: Target, call: CallName): void {
    const kind = rateKindOf(call);
    if (!kind) return;
    const buckets = this.#buckets.get(site) ?? {};
    this.#buckets.set(site, buckets);
    const bucket = buckets[kind] ?? new TokenBucket(cloud.rates[kind], nowMs);
    buckets[kind] = bucket;
    const waitMs = bucket.take(nowMs);
    if (waitMs > 0) {
      const { perSecond } = cloud.rates[kind];
      const usedUp = { policy: kind, perSecond };
      this.#refuse(site, kind, 'RateLimited', `the rate limit of ${kind} calls is exceeded`, waitMs, usedUp);
    }
  }

  /**
   * Checks that one more instance may be created now.
   *
   * @throws Refusal QuotaExceeded, TooManyPendingInstances, TooManyPendingLocations
   */
  takeSlot({ cloud, site, nowMs }: Target): void {
    const { state } = this.#world;
    state.retire(site, nowMs);
    const quota = cloud.locations[site.key.location]?.instanceQuota ?? cloud.instanceQuota;
    const existing = [...site.live.values()].filter(
      ({ terminatedAtMs }) => terminatedAtMs === undefined || terminatedAtMs > nowMs,
    );
    if (existing.length >= quota) {
      throw new Refusal('QuotaExceeded', `the quota of ${site.key.location} is ${quota} instances`);
    }
    const pending = state.pendingAt(site, nowMs);
    if (pending >= cloud.slots.instancesPerLocation) {
      this.#refuse(
        site,
        'instanceSlots',
        'TooManyPendingInstances',
        `${pending} instances are already being created at this location`,
        SLOT_RETRY_MS,
      );
    }
    if (pending > 0) return;
    const busy = [...state.sites.values()].filter(
      (other) =>
        other.key.cloud === site.key.cloud &&
        other.key.account === site.key.account &&
        state.pendingAt(other, nowMs) > 0,
    );
    if (busy.length >= cloud.slots.locations) {
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
