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
  /** The launch is queued and does not ask again. A worker that frees a slot sends it. */
  | { action: 'queue'; why: QueueReason }
  /** The launch cannot succeed at this site. */
  | { action: 'deny'; failure: Failure };

export interface CreateDecisions {
  decisions: Map<string, CreateDecision>;
  /** Instances that had no permit and were given one now. */
  given: string[];
  /** Slots that were newly given, each with the time of its permit. */
  newcomers: ReleasedSlot[];
  /** The state to write; undefined if nothing changes. */
  state: SiteState | undefined;
}

/** A permit is normally used immediately. One that is this old is replaced by a new one. */
const FRESH_MS = 30_000;
/** A launch whose call would go out later than this stays queued: a permit holds a slot. */
const HORIZON_MS = 60_000;
/**
 * If a queued launch's call is due less than this time before or after now, the worker that gave the permit is sending
 * the launch.
 */
const SENDING_MS = 3_000;

/**
 * Decides about launches of one site, in their order: whether a block stops them, whether they get a slot, and when
 * their call goes out. A launch that has a slot keeps it even if it has to wait, because another copy of the launch may
 * be making its call under that slot. Only a poll takes a slot away, because only a poll knows how long the slot has
 * been held. A permit keeps its time until that time has come.
 *
 * @param isFromQueue whether the launches come from the launch queue; queued launches did not use the times that they
 *   were given
 * @param isTransfer whether slots are being given back in the same write. Other workers may then be giving permits to
 *   the same launches. A launch with a permit of this moment is left to the worker that gave it. If that worker has
 *   died, a poll sends the launch
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
    // The stored form: whole milliseconds.
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
    // Feedback may have arrived after the permit was given. If the feedback blocks the site, the permit does
    // not hold.
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
 * Returns a time that identifies the permit. No two permits under which calls go out have the same time. The release of
 * a slot by an earlier permit then leaves the slot with its holder.
 */
function anotherThan(knownMs: number | undefined, startMs: number): number {
  return knownMs !== undefined && Math.ceil(startMs) === knownMs ? knownMs + 1 : startMs;
}

/**
 * Schedules a call that nothing blocks. Times are reserved when they are given, but calls are counted when they go out:
 * launches come back from the queue late, and many together.
 *
 * @param isFromQueue whether the launch is queued; it then asks again when its call is due
 * @param unusedMs the time that the launch was given before and has not used
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
 * Returns true if another worker is sending the launch: a second permit and message would be wasted. A call that was
 * made after the permit's time has used it up.
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
  // Some clouds queue all further creates themselves after one machine has run.
  if (pacing === 'all-at-once' && ranAtMs === undefined && held > 0) return 'first-instance';
  return undefined;
}
