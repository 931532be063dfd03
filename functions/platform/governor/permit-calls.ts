import type { CallKind } from '../../model/limit-profile.ts';
import { perSecondOf } from '../../model/rate.ts';
import { callKey } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { updateVersioned } from '../store/versioned.ts';
import {
  createsBlockedUntilMs,
  type LateCreates,
  recountCreates,
  scheduleShared,
  sendCreate,
} from './create-meters.ts';
import { callStateSchema, IDLE_CALLS, isNow, scheduleCalls, slowCalls } from './rate.ts';
import { createRates, rateLimitOf } from './rate-limits.ts';
import { createKey, type GovernedSite } from './site.ts';
import { IDLE_SITE, type SiteState, siteStateSchema } from './site-state.ts';

/** Shortest time, in ms, after which a create call that may not leave yet is tried again. */
const LEAST_RETRY_MS = 100;

/** Calls other than creates. Creates get their permits together with slots. */
type PlainCall = Exclude<CallKind, 'create'>;

/**
 * Gives permits to as many of the `wanted` calls as may go out now. Creates use `permitCreates` instead.
 *
 * @returns `retryAfterMs`: time in ms after which the calls without a permit may ask again; 0 if all calls got one
 */
export async function permitCalls(
  store: Store<'governor'>,
  { connectionKey, location, limits }: GovernedSite,
  kind: PlainCall,
  wanted: number,
): Promise<{ granted: number; retryAfterMs: number }> {
  const rateLimit = rateLimitOf(limits, kind);
  return await updateVersioned(
    store,
    callKey(connectionKey, location, kind),
    callStateSchema,
    (current = IDLE_CALLS) => {
      const nowMs = store.clock.now();
      const { startsMs } = scheduleCalls(current, rateLimit, nowMs, wanted);
      const granted = startsMs.filter((startMs) => startMs <= nowMs).length;
      const retryAfterMs = granted === wanted ? 0 : (startsMs[granted] ?? nowMs) - nowMs;
      const { state } = scheduleCalls(current, rateLimit, nowMs, granted);
      return { state: granted > 0 ? state : undefined, answer: { granted, retryAfterMs } };
    },
  );
}

/**
 * Grants permits for create calls in addition to the launches' own permits. For example, if a cloud refuses a create
 * call for several machines, the driver may create them one at a time. The launches already have slots, so only the
 * rate limits apply.
 *
 * @param sizes number of machines of each call that were not counted with an earlier call
 * @returns as `permitCalls`
 */
export async function permitFurtherCreates(
  store: Store<'governor'>,
  site: GovernedSite,
  sizes: readonly number[],
): Promise<{ granted: number; retryAfterMs: number }> {
  const rates = createRates(site.limits);
  return await updateVersioned(store, createKey(site), siteStateSchema, (current = IDLE_SITE) => {
    const nowMs = store.clock.now();
    let state: SiteState = current;
    for (const [granted, machines] of sizes.entries()) {
      const { startMs, state: reserved } = scheduleShared(state, rates, nowMs, machines);
      const sent = isNow(startMs, nowMs)
        ? sendCreate(reserved, rates, nowMs, { calls: 1, machines })
        : undefined;
      if (!sent) {
        const retryAfterMs = Math.max(LEAST_RETRY_MS, startMs - nowMs);
        return { state: granted > 0 ? state : undefined, answer: { granted, retryAfterMs } };
      }
      state = sent;
    }
    return { state, answer: { granted: sizes.length, retryAfterMs: 0 } };
  });
}

/**
 * Counts create calls again that leave later than the governor counted them, so that they do not reach the cloud
 * together with calls that were counted since.
 *
 * @returns as `permitCalls`. `countedAtMs`: if some calls were granted, the time at which all of them were counted
 */
export async function permitLateCreates(
  store: Store<'governor'>,
  site: GovernedSite,
  late: LateCreates,
): Promise<{ granted: number; retryAfterMs: number; countedAtMs: number }> {
  const rates = createRates(site.limits);
  return await updateVersioned(store, createKey(site), siteStateSchema, (current = IDLE_SITE) => {
    const nowMs = store.clock.now();
    const { sent, state } = recountCreates(current, rates, nowMs, late);
    const isDone = sent === late.sizes.length;
    const blockedMs = createsBlockedUntilMs(current) - nowMs;
    const retryAfterMs = isDone ? 0 : Math.max(1_000 / perSecondOf(rates.calls), LEAST_RETRY_MS, blockedMs);
    return {
      state: sent > 0 ? state : undefined,
      answer: { granted: sent, retryAfterMs, countedAtMs: nowMs },
    };
  });
}

/**
 * Assumed time from a call to its answer: when a throttle is reported, the call is assumed to have gone out this long
 * ago.
 */
const ANSWERED_MS = 1_000;

/** Lowers the rate of one kind of call at a site after a throttle. The lower rate applies to all fleets and workers. */
export async function slowDown(
  store: Store<'governor'>,
  { connectionKey, location, limits }: GovernedSite,
  kind: PlainCall,
  retryAfterMs: number | undefined,
): Promise<void> {
  await updateVersioned(
    store,
    callKey(connectionKey, location, kind),
    callStateSchema,
    (current = IDLE_CALLS) => {
      const nowMs = store.clock.now();
      const limit = rateLimitOf(limits, kind);
      const throttle = { calledAtMs: nowMs - ANSWERED_MS, retryAfterMs, limit };
      return { state: slowCalls(current, nowMs, throttle), answer: undefined };
    },
  );
}
