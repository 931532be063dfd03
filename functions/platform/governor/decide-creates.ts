import type { Failure } from '../../model/failure.ts';
import type { LimitProfile } from '../../model/limit-profile.ts';
import type { WantedCreate } from '../../model/wanted-create.ts';
import { blockOf, isBlocked, type QueueReason } from './blocks.ts';
import { isNow, type RateLimit, scheduleCalls, sendCall } from './rate.ts';
import { createRateLimit } from './rate-limits.ts';
import type { SiteState } from './site-state.ts';
import { heldNow, type ReleasedSlot } from './slots.ts';

/** The governor's decision about one launch. */
export type CreateDecision =
  /** The launch's call may go out now. */
  | { action: 'allow' }
  /** The launch has a slot, and its call may go out at `startMs`. */
  | { action: 'scheduleAt'; startMs: number }
  /** The launch is queued and does not ask again. A worker that frees a slot later sends the launch message. */
  | { action: 'queue'; why: QueueReason }
  /** The launch cannot succeed at this site. */
  | { action: 'deny'; failure: Failure };

export interface CreateDecisions {
  decisions: Map<string, CreateDecision>;
  /** Ids of the instances that had no usable permit before this call, and got one. */
  given: string[];
  /** Slots that this call gave, each with the start time of its permit. */
  newcomers: ReleasedSlot[];
  /** The state to write; undefined if nothing changes. */
  state: SiteState | undefined;
}

/**
 * A permit expires this long after its start time, and its launch then needs a new one. A permit is normally used
 * immediately.
 */
const FRESH_MS = 30_000;
/**
 * A launch is queued if its call may go out only after this time from now. A permit would occupy a slot for all of that
 * time.
 */
const HORIZON_MS = 60_000;
/**
 * If the start time of a queued launch's permit is less than this time away from now, the worker that gave the permit
 * is assumed to be sending the launch message.
 */
const SENDING_MS = 3_000;

/**
 * Decides about launches of one site, one after the other: whether a block stops the launch, whether it gets a slot,
 * and when its call may go out. A launch that has a slot keeps the slot even if it has to wait, because another worker
 * may be making the call of the same launch under that slot. Only polls take slots away, because only a poll knows how
 * long the slot has been held. A permit keeps its start time until that time has come.
 *
 * @param isFromQueue whether the launches come from the launch queue. They only get a start time, and ask again at that
 *   time
 * @param isTransfer whether slots are being given back in the same write. Other workers may then be giving permits to
 *   the same launches. A launch that has just been given a permit is left to the worker that gave the permit. If that
 *   worker has died, a poll sends the launch message
 */
export function decideCreates(
  current: SiteState,
  limits: LimitProfile,
  nowMs: number,
  wanted: readonly WantedCreate[],
  isFromQueue = false,
  isTransfer = false,
): CreateDecisions {
  const decisions = new Map<string, CreateDecision>();
  const holders = heldNow(current.holders, nowMs);
  let state: SiteState = { ...current, holders };
  const given: string[] = [];
  const newcomers: ReleasedSlot[] = [];
  const rateLimit = createRateLimit(limits);
  let isChanged = Object.keys(holders).length < Object.keys(current.holders).length;
  const queue = ({ instanceId }: WantedCreate, why: QueueReason) =>
    decisions.set(instanceId, { action: 'queue', why });
  const permit = (instanceId: string, unusedMs?: number) => {
    const call = timeCall(state, rateLimit, nowMs, isFromQueue, unusedMs);
    const hadSlot = holders[instanceId] !== undefined;
    const isGoing = isNow(call.startMs, nowMs);
    if (call.isNew || (isGoing && !isFromQueue))
      holders[instanceId] = anotherThan(holders[instanceId], call.startMs);
    if (call.isNew && unusedMs === undefined) given.push(instanceId);
    // Holders are stored with whole milliseconds, rounded up.
    if (!hadSlot) newcomers.push({ instanceId, startMs: Math.ceil(holders[instanceId] ?? nowMs) });
    isChanged ||= call.state !== state;
    state = { ...call.state, holders };
    const { startMs } = call;
    decisions.set(instanceId, isGoing ? { action: 'allow' } : { action: 'scheduleAt', startMs });
  };
  for (const one of wanted) {
    const { instanceId } = one;
    const startMs = holders[instanceId];
    const isUnused =
      startMs !== undefined && mayUse(startMs, one, nowMs) && (!isFromQueue || startMs > nowMs);
    if (isTransfer && startMs !== undefined && isBeingSent(startMs, one, nowMs)) {
      queue(one, 'sent');
      continue;
    }
    // Feedback may have arrived after the permit was given. If the feedback blocks the site, the permit is not valid.
    if (isUnused && !isBlocked(state)) {
      permit(instanceId, startMs);
      continue;
    }
    const nextMs = scheduleCalls(state, rateLimit, nowMs, 1).startsMs[0] ?? nowMs;
    const why =
      (startMs === undefined ? whyNoSlot(state, limits, nowMs) : undefined) ??
      (!isUnused && nextMs > nowMs + HORIZON_MS ? 'rate' : undefined);
    if (why !== undefined) {
      queue(one, why);
      continue;
    }
    const block = blockOf(state, one, nowMs);
    if (block.kind === 'for-now') queue(one, block.why);
    else if (block.kind === 'permanent')
      decisions.set(instanceId, { action: 'deny', failure: block.failure });
    else {
      isChanged ||= block.isProbe;
      permit(instanceId, isUnused ? startMs : undefined);
    }
  }
  return { decisions, given, newcomers, state: isChanged ? state : undefined };
}

/**
 * Returns the time that identifies a new permit: it differs from the time of the holder's earlier permit. A release of
 * the slot that names the earlier permit therefore has no effect.
 */
function anotherThan(knownMs: number | undefined, startMs: number): number {
  return knownMs !== undefined && Math.ceil(startMs) === knownMs ? knownMs + 1 : startMs;
}

/**
 * Schedules a call that no block stops. The start time is reserved when the permit is given. The call is counted only
 * when it goes out, because launches come back from the message queue late, and many at the same time.
 *
 * @param isFromQueue whether the launch comes from the launch queue. Such a launch asks again at its start time
 * @param unusedMs start time that the launch was given earlier and has not used
 */
function timeCall(
  state: SiteState,
  rateLimit: RateLimit,
  nowMs: number,
  isFromQueue: boolean,
  unusedMs: number | undefined,
): { startMs: number; state: SiteState; isNew: boolean } {
  if (unusedMs !== undefined) {
    if (isFromQueue || !isNow(unusedMs, nowMs)) return { startMs: unusedMs, state, isNew: false };
    const counted = sendCall(state, rateLimit, nowMs);
    if (counted) return { startMs: nowMs, state: counted, isNew: false };
  }
  const calls = scheduleCalls(state, rateLimit, nowMs, 1);
  const [startMs = nowMs] = calls.startsMs;
  const spokenFor = { ...state, ...calls.state };
  const counted = !isFromQueue && isNow(startMs, nowMs) ? sendCall(spokenFor, rateLimit, nowMs) : undefined;
  return { startMs, state: counted ?? spokenFor, isNew: true };
}

function mayUse(startMs: number, { calledAtMs }: WantedCreate, nowMs: number): boolean {
  return startMs + FRESH_MS > nowMs && startMs > (calledAtMs ?? Number.NEGATIVE_INFINITY);
}

/**
 * Returns true if another worker is assumed to be sending the launch message, so that a second permit and message would
 * be wasted. Returns false if a call was made at or after the permit's start time, because that call has used the
 * permit.
 */
function isBeingSent(startMs: number, { calledAtMs }: WantedCreate, nowMs: number): boolean {
  return Math.abs(nowMs - startMs) < SENDING_MS && startMs > (calledAtMs ?? Number.NEGATIVE_INFINITY);
}

function whyNoSlot(
  { holders, budget, ranAtMs }: SiteState,
  { concurrentInstancesPerLocation, pacing }: LimitProfile,
  nowMs: number,
): QueueReason | undefined {
  const held = Object.keys(holders).length;
  if (held >= concurrentInstancesPerLocation) return 'slots';
  if (budget && budget.untilMs > nowMs) return 'budget';
  // Some clouds queue create calls themselves, but only after one machine has run.
  if (pacing === 'all-at-once' && ranAtMs === undefined && held > 0) return 'first-instance';
  return undefined;
}
