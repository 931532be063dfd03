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
  /** Its call may go out now. */
  | { action: 'allow' }
  /** It has a slot, and its call may go out at `startMs`. */
  | { action: 'scheduleAt'; startMs: number }
  /** It is queued until something changes, and need not ask again. */
  | { action: 'queue'; why: QueueReason }
  /** Nothing of the kind can be had here. */
  | { action: 'deny'; failure: Failure };

export interface CreateDecisions {
  decisions: Map<string, CreateDecision>;
  /** Those that were given a permit now, and had none. */
  given: string[];
  /** The slots of those of them that had none, each with the time of the permit that it was given by. */
  newcomers: ReleasedSlot[];
  /** What to write; undefined when all stays as it is. */
  state: SiteState | undefined;
}

/** A permit is used at once; one that is as old as this is given anew. */
const FRESH_MS = 30_000;
/** A launch whose call would go out later than this stays queued: a permit holds a slot. */
const HORIZON_MS = 60_000;
/** A queued launch whose call is due now, give or take this, is being sent by the worker that gave the permit. */
const SENDING_MS = 3_000;

/**
 * Decides about launches of one site, in their order: what stands in their way, a slot, and the time of their call.
 * Whoever has a slot keeps it, also where it has to wait: another copy of the launch may be making its call under it
 * just now. Only a poll, which sees how long ago that was, takes it away. Its time stands until that has come.
 *
 * @param isFromQueue whether they come from the launch queue: then they have let pass the times that they were given
 * @param isTransfer whether other workers may be giving slots to the same ones at this moment: a launch that was given
 *   its permit just now is left to the worker that gave it. Should that worker have died, a poll finds the launch
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
    // As it is kept: in whole milliseconds.
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
    // Feedback that came since a permit was given holds for it as well.
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
 * The time that a permit is known by. Each one that lets a call go out has a time of its own, so that a slot which is
 * given back by an earlier one stays with its holder.
 */
function anotherThan(knownMs: number | undefined, startMs: number): number {
  return knownMs !== undefined && Math.ceil(startMs) === knownMs ? knownMs + 1 : startMs;
}

/**
 * The time of a call that nothing stands in the way of. Times are spoken for when they are given, and calls are counted
 * when they go out, since launches come back late from the queue, and many together.
 *
 * @param isFromQueue whether its launch hears of it by the queue, and comes to ask when its call goes out
 * @param unusedMs the time that it was given before
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

/** Another time would be wasted on it, and a second message. A call that has been made since used the permit up. */
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
  // Some clouds place all that comes by themselves, once one machine runs.
  if (pacing === 'all-at-once' && ranAtMs === undefined && held > 0) return 'first-instance';
  return undefined;
}
