import type { Failure } from '../../model/failure.ts';
import type { WantedCreate } from '../../model/wanted-create.ts';
import { checkCapacity, withScarcity } from './capacity.ts';
import { checkDenials, denied, withoutDenial } from './denials.ts';
import {
  checkQuotas,
  closeQuota,
  holdQuotas,
  openQuotas,
  type QuotaAnswer,
  type QuotaRefusal,
} from './quotas.ts';
import { type CapacityScope, capacityScope, denialScope, type SiteState } from './site-state.ts';

/** Reasons why a launch is queued. */
export type QueueReason =
  /**
   * `slots`: the site has as many launches under way as its limit allows. `locations`: the connection has launches
   * under way at as many locations as its limit allows.
   */
  | 'slots'
  | 'locations'
  /** The rate limit delays the next create call by more than 60 s. */
  | 'rate'
  /**
   * The cloud had no `capacity` or no `quota`, or did not accept calls (`outage`). One launch at a time, the probe,
   * tests whether this has ended. The other affected launches wait.
   */
  | 'capacity'
  | 'quota'
  | 'outage'
  /** The cloud denies creates of the type to this credential. The probe tests whether this has ended. */
  | 'denied'
  /** Until an instance has run at this location, instances are created there one at a time. */
  | 'first-instance'
  /** Another worker has just given the launch a permit, and is assumed to be sending the launch message. */
  | 'sent'
  /** The connection has made all creates that its limits allow in this minute or day. */
  | 'budget';

/**
 * Result of the check of one launch. `none`: the launch may go out; with `isProbe`, it tests whether a block still
 * applies. `zone` is the zone that was chosen for the launch. `for-now`: the launch is queued. `permanent`: the launch fails at this location.
 */
export type Block =
  | { kind: 'none'; isProbe: boolean; zone?: string }
  | { kind: 'for-now'; why: QueueReason }
  | { kind: 'permanent'; failure: Failure };

const CLEAR: Block & { kind: 'none' } = { kind: 'none', isProbe: false };
const PROBE: Block = { kind: 'none', isProbe: true };

/** The circuit breaker stops launches after this number of `Unavailable` answers in a row. */
export const OUTAGE_FAILURES = 5;
const FIRST_PROBE_MS = 2_000;
/**
 * Maximum interval between probes of an outage. It is far below `GIVE_UP_MS`, so that a probe can detect the end of the
 * outage before the waiting launches fail.
 */
const MAX_PROBE_MS = 30_000;
/**
 * During an outage, a launch that may move to another location does so after it has waited for `LEAVE_MS`. Any other
 * launch fails after it has waited for `GIVE_UP_MS`.
 */
const LEAVE_MS = 30_000;
const GIVE_UP_MS = 120_000;

/**
 * Checks a launch against the denials of the site, the negative cache of quotas, the circuit breaker of outages and the negative cache of
 * capacity. If the launch becomes a probe, records the probe in `state`, which is changed in place.
 */
export function blockOf(state: SiteState, wanted: WantedCreate, nowMs: number): Block {
  const steps = [checkDenials, checkQuotaCache, checkBreaker, checkCapacityCache];
  // The steps change a draft. If one step makes the launch a probe and a later step stops the launch, the draft is
  // dropped, and the launch is not recorded as the probe.
  const draft = { ...state };
  let passed = CLEAR;
  for (const step of steps) {
    const block = step(draft, wanted, nowMs);
    if (block.kind !== 'none') return block;
    passed = { ...passed, ...block, isProbe: passed.isProbe || block.isProbe };
  }
  Object.assign(state, draft);
  return passed;
}

function checkQuotaCache(state: SiteState, wanted: WantedCreate, nowMs: number): Block {
  const answer = checkQuotas(state.closed ?? {}, wanted, nowMs);
  switch (answer.kind) {
    case 'open':
      return CLEAR;
    case 'waits':
      return { kind: 'for-now', why: 'quota' };
    case 'refused':
      return { kind: 'permanent', failure: quotaFailure(answer) };
    case 'probe':
      state.closed = answer.closed;
      return PROBE;
  }
}

function quotaFailure({ message, of }: Extract<QuotaAnswer, { kind: 'refused' }>): Failure {
  return { code: 'QuotaExceeded', message, ...(of === 'family' ? {} : { quotaOf: of }) };
}

function checkBreaker(state: SiteState, wanted: WantedCreate, nowMs: number): Block {
  const { outage } = state;
  if (!outage || outage.failures < OUTAGE_FAILURES) return CLEAR;
  if (outage.probeId === wanted.instanceId) return PROBE;
  if (nowMs >= outage.probeAtMs) {
    const probeAtMs = nowMs + probeIntervalMs(outage.failures);
    state.outage = { ...outage, probeAtMs, probeId: wanted.instanceId };
    return PROBE;
  }
  const waitedMs = nowMs - (wanted.waitsSinceMs ?? nowMs);
  const message = `the location has accepted no request since ${new Date(outage.sinceMs).toISOString()}`;
  const failure = { code: 'Unavailable', message };
  if (waitedMs >= GIVE_UP_MS) return { kind: 'permanent', failure };
  if (waitedMs >= LEAVE_MS && wanted.mayGoElsewhere)
    return { kind: 'permanent', failure: { ...failure, wouldWait: true } };
  return { kind: 'for-now', why: 'outage' };
}

const probeIntervalMs = (failures: number): number =>
  Math.min(MAX_PROBE_MS, FIRST_PROBE_MS * 2 ** Math.max(0, failures - OUTAGE_FAILURES));

function checkCapacityCache(state: SiteState, wanted: WantedCreate, nowMs: number): Block {
  const check = checkCapacity(state, wanted, nowMs);
  switch (check.kind) {
    case 'clear':
      return { ...check, kind: 'none' };
    case 'wait':
      return { kind: 'for-now', why: 'capacity' };
    case 'leave':
      return { kind: 'permanent', failure: check.failure };
  }
}

/** Result of a create call, as far as it changes what the governor knows about a site. */
export type Feedback =
  | { kind: 'accepted'; wanted: WantedCreate }
  | { kind: 'unavailable' }
  | { kind: 'no-capacity'; wanted: CapacityScope }
  | ({ kind: 'no-quota' } & QuotaRefusal)
  | { kind: 'denied'; wanted: WantedCreate; message: string };

/** Applies the feedback of a create call to a site's state. @returns `state` itself if the feedback changes nothing */
export function applyFeedback(state: SiteState, feedback: Feedback, nowMs: number): SiteState {
  switch (feedback.kind) {
    case 'accepted':
      return accepted(state, feedback.wanted, nowMs);
    case 'unavailable': {
      const failures = (state.outage?.failures ?? 0) + 1;
      const sinceMs = state.outage?.sinceMs ?? nowMs;
      return { ...state, outage: { failures, sinceMs, probeAtMs: nowMs + probeIntervalMs(failures) } };
    }
    case 'no-capacity':
      return withScarcity(state, feedback.wanted, nowMs);
    case 'denied':
      return denied(state, feedback.wanted, feedback.message, nowMs);
    case 'no-quota': {
      const { closed = {} } = state;
      const next = closeQuota(closed, feedback, nowMs);
      return next === closed ? state : { ...state, closed: next };
    }
  }
}

function accepted(state: SiteState, wanted: WantedCreate, nowMs: number): SiteState {
  const scope = capacityScope(wanted);
  const { closed: shut = {} } = state;
  const closed = wanted.hasFreed === true ? holdQuotas(shut, wanted, nowMs) : openQuotas(shut, wanted);
  const isDenied = state.denied?.[denialScope(wanted)] !== undefined;
  if (!state.outage && !state.scarce?.[scope] && closed === shut && !isDenied) return state;
  const { outage: _over, ...rest } = state;
  const { [scope]: _enough, ...scarce } = state.scarce ?? {};
  return { ...rest, scarce, closed, ...(isDenied ? { denied: withoutDenial(state, wanted) } : {}) };
}

/**
 * Returns true if a successful create would clear a block: the circuit breaker, a denial, or a cached lack of capacity or quota.
 */
export function isBlocked({ outage, scarce, closed, denied }: SiteState): boolean {
  return outage !== undefined || Object.keys({ ...scarce, ...closed, ...denied }).length > 0;
}
