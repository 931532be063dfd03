import type * as z from 'zod';
import type { CallKind } from '../../model/limit-profile.ts';
import { perSecondOf } from '../../model/rate.ts';
import { callKey } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { updateVersioned } from '../store/versioned.ts';
import { takeConnectionCalls } from './connection-calls.ts';
import {
  createsBlockedUntilMs,
  type LateCreates,
  recountCreates,
  scheduleShared,
  sendCreate,
  slowCreates,
} from './create-meters.ts';
import { callStateSchema, IDLE_CALLS, isNow } from './rate.ts';
import { callRatesOf, createRates } from './rate-limits.ts';
import { createKey, type GovernedSite } from './site.ts';
import { IDLE_SITE, type SiteState, siteStateSchema } from './site-state.ts';

/** Shortest time, in ms, after which a create call that may not leave yet is tried again. */
const LEAST_RETRY_MS = 100;

/** Calls other than creates. Creates get their permits together with slots. */
type PlainCall = Exclude<CallKind, 'create'>;

/** State of a bucket of calls that create no machine. */
export const callBucketSchema = callStateSchema.extend({
  /** Schedule of the machines that the calls are about. The fields of the state itself are the schedule of calls. */
  machines: callStateSchema.optional(),
});

type CallBucket = z.infer<typeof callBucketSchema>;

/** A kind of call, or an action that the cloud may meter in a bucket of its own. */
export interface MeteredCall {
  kind: PlainCall;
  /** The cloud's name of the action. Absent: the calls use the bucket of their kind. */
  action?: string | undefined;
}

/** Permits of calls: how many of the wanted calls have one, and how long the others wait. */
interface Granted {
  granted: number;
  retryAfterMs: number;
}

/** Withdraws the permits that the rates over all locations of the connection do not allow. */
async function withinConnection(
  store: Store<'governor'>,
  site: GovernedSite,
  kind: CallKind,
  { granted, retryAfterMs }: Granted,
): Promise<Granted> {
  const taken = await takeConnectionCalls(store, site, kind, granted);
  if (taken.retryAtMs === undefined) return { granted, retryAfterMs };
  const waitMs = Math.max(LEAST_RETRY_MS, taken.retryAtMs - store.clock.now());
  return { granted: taken.granted, retryAfterMs: waitMs };
}

/**
 * Gives permits to as many of the wanted calls as may go out now. Creates use `permitCreates` instead.
 *
 * @param sizes number of machines that each wanted call is about
 * @returns `granted`: number of calls with a permit, the first ones. `retryAfterMs`: time in ms after which the calls
 *   without a permit may ask again; 0 if all calls got one
 */
export async function permitCalls(
  store: Store<'governor'>,
  site: GovernedSite,
  call: MeteredCall,
  sizes: readonly number[],
): Promise<Granted> {
  const { connectionKey, location, limits } = site;
  const { bucket, ...rates } = callRatesOf(limits, call);
  const here = await updateVersioned<CallBucket, Granted>(
    store,
    callKey(connectionKey, location, bucket),
    callBucketSchema,
    (current = IDLE_CALLS) => {
      const nowMs = store.clock.now();
      let state = current;
      for (const [granted, machines] of sizes.entries()) {
        const next = scheduleShared(state, rates, nowMs, machines);
        if (next.startMs > nowMs) {
          const retryAfterMs = next.startMs - nowMs;
          return { state: granted > 0 ? state : undefined, answer: { granted, retryAfterMs } };
        }
        state = next.state;
      }
      return {
        state: sizes.length > 0 ? state : undefined,
        answer: { granted: sizes.length, retryAfterMs: 0 },
      };
    },
  );
  return await withinConnection(store, site, call.kind, here);
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
): Promise<Granted> {
  const rates = createRates(site.limits);
  const here = await updateVersioned<SiteState, Granted>(
    store,
    createKey(site),
    siteStateSchema,
    (current = IDLE_SITE) => {
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
    },
  );
  return await withinConnection(store, site, 'create', here);
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

/**
 * Lowers the rate of one kind of call, or of one action with buckets of its own, at a site after a throttle. The lower
 * rate applies to all fleets and workers.
 */
export async function slowDown(
  store: Store<'governor'>,
  { connectionKey, location, limits }: GovernedSite,
  call: MeteredCall,
  retryAfterMs: number | undefined,
): Promise<void> {
  const { bucket, ...rates } = callRatesOf(limits, call);
  await updateVersioned<CallBucket, void>(
    store,
    callKey(connectionKey, location, bucket),
    callBucketSchema,
    (current = IDLE_CALLS) => {
      const nowMs = store.clock.now();
      const throttle = { calledAtMs: nowMs - ANSWERED_MS, retryAfterMs, meter: 'unknown' as const };
      return { state: slowCreates(current, rates, nowMs, throttle), answer: undefined };
    },
  );
}
