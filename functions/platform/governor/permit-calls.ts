import type { CallKind } from '../../model/limit-profile.ts';
import { callKey } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { updateVersioned } from '../store/versioned.ts';
import {
  callStateSchema,
  IDLE_CALLS,
  isNow,
  type LateCalls,
  type RateLimit,
  recountCalls,
  scheduleCalls,
  sendCall,
  slowCalls,
} from './rate.ts';
import { createRateLimit, rateLimitOf } from './rate-limits.ts';
import { createKey, type GovernedSite, type SiteKey } from './site.ts';
import { IDLE_SITE, type SiteState, siteStateSchema } from './site-state.ts';

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
 * rate limit applies.
 *
 * @returns as `permitCalls`
 */
export async function permitFurtherCreates(
  store: Store<'governor'>,
  site: GovernedSite,
  wanted: number,
): Promise<{ granted: number; retryAfterMs: number }> {
  const rateLimit = createRateLimit(site.limits);
  return await updateVersioned(store, createKey(site), siteStateSchema, (current = IDLE_SITE) => {
    const nowMs = store.clock.now();
    let state: SiteState = current;
    for (let granted = 0; granted < wanted; granted += 1) {
      const next = sendNow(state, rateLimit, nowMs);
      if ('startMs' in next) {
        const retryAfterMs = Math.max(1, next.startMs - nowMs);
        return { state: granted > 0 ? state : undefined, answer: { granted, retryAfterMs } };
      }
      state = next.state;
    }
    return { state, answer: { granted: wanted, retryAfterMs: 0 } };
  });
}

/**
 * Counts create calls again that leave later than the governor counted them, so that they do not reach the cloud
 * together with calls that were counted since.
 *
 * @returns as `permitCalls`. `countedAtMs`: if some calls were granted, the time at which all of them were counted
 */
export async function recountCreates(
  store: Store<'governor'>,
  site: GovernedSite,
  late: LateCalls,
): Promise<{ granted: number; retryAfterMs: number; countedAtMs: number }> {
  const rateLimit = createRateLimit(site.limits);
  return await updateVersioned(store, createKey(site), siteStateSchema, (current = IDLE_SITE) => {
    const nowMs = store.clock.now();
    const { sent, state } = recountCalls(current, rateLimit, nowMs, late);
    const retryAfterMs =
      sent === late.count ? 0 : Math.max(1_000 / rateLimit.perSecond, current.blockedUntilMs - nowMs);
    return {
      state: sent > 0 ? state : undefined,
      answer: { granted: sent, retryAfterMs, countedAtMs: nowMs },
    };
  });
}

/** Counts one create call if it may go out now. Otherwise, returns the call's earliest start time. */
function sendNow(
  state: SiteState,
  rateLimit: RateLimit,
  nowMs: number,
): { state: SiteState } | { startMs: number } {
  const calls = scheduleCalls(state, rateLimit, nowMs, 1);
  const [startMs = nowMs] = calls.startsMs;
  if (!isNow(startMs, nowMs)) return { startMs };
  const sent = sendCall({ ...state, ...calls.state }, rateLimit, nowMs);
  return sent ? { state: sent } : { startMs: nowMs + 1_000 / rateLimit.perSecond };
}

/**
 * Assumed time from a call to its answer: when a throttle is reported, the call is assumed to have gone out this long
 * ago.
 */
const ANSWERED_MS = 1_000;

/** Lowers the rate of one kind of call at a site after a throttle. The lower rate applies to all fleets and workers. */
export async function slowDown(
  store: Store<'governor'>,
  { connectionKey, location }: SiteKey,
  kind: PlainCall,
  retryAfterMs: number | undefined,
): Promise<void> {
  await updateVersioned(
    store,
    callKey(connectionKey, location, kind),
    callStateSchema,
    (current = IDLE_CALLS) => {
      const nowMs = store.clock.now();
      const throttle = { calledAtMs: nowMs - ANSWERED_MS, retryAfterMs };
      return { state: slowCalls(current, nowMs, throttle), answer: undefined };
    },
  );
}
