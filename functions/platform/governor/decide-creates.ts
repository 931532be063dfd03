import type { Failure } from '../../model/failure.ts';
import type { LimitProfile } from '../../model/limit-profile.ts';
import type { WantedCreate } from '../../model/wanted-create.ts';
import { barrierOf, isBarred, type WaitReason } from './barriers.ts';
import { createPace } from './paces.ts';
import type { PlaceState } from './place-state.ts';
import { isNow, type Pace, scheduleCalls, sendCall } from './rate.ts';
import { heldNow, type ReleasedSlot } from './slots.ts';

/** What the governor says to one launch. */
export type Verdict =
  /** Its call may go out now. */
  | { say: 'go' }
  /** It has a slot, and its call may go out then. */
  | { say: 'later'; startMs: number }
  /** It has to wait until something changes; nobody needs to ask again. */
  | { say: 'wait'; why: WaitReason }
  /** Nothing of the kind can be had here. */
  | { say: 'no'; failure: Failure };

export interface Decision {
  verdicts: Map<string, Verdict>;
  /** Those that were given a permit now, and had none. */
  given: string[];
  /** The slots of those of them that had none, each with the time of the permit that it was given by. */
  newcomers: ReleasedSlot[];
  /** What to write; undefined when all stays as it is. */
  state: PlaceState | undefined;
}

/** A permit is used at once; one that is as old as this is given anew. */
const FRESH_MS = 30_000;
/** Whose call would go out only later than this stays in line: a permit holds a slot. */
const HORIZON_MS = 60_000;
/** A launch in line whose call is due now, give or take this, is being sent by the worker that gave the permit. */
const SENDING_MS = 3_000;

/**
 * Decides about launches of one place, in their order: what stands in their way, a slot, and the time of their call.
 * Whoever has a slot keeps it, also where it has to wait: another copy of the launch may be making its call under it
 * just now. Only a look, which sees how long that is ago, takes it away. Its time stands until that has come.
 *
 * @param isFromLine whether they stand in line: then they have let pass the times that they were given
 * @param isHandOver whether other workers may be giving slots to the same ones at this moment: a launch that was given its
 *   permit just now is left to the worker that gave it. Should that have died, a look finds the launch
 */
export function decideCreates(
  current: PlaceState,
  limits: LimitProfile,
  nowMs: number,
  wanted: readonly WantedCreate[],
  isFromLine = false,
  isHandOver = false,
): Decision {
  const verdicts = new Map<string, Verdict>();
  const holders = heldNow(current.holders, nowMs);
  let state: PlaceState = { ...current, holders };
  const given: string[] = [];
  const newcomers: ReleasedSlot[] = [];
  const pace = createPace(limits);
  let isChanged = Object.keys(holders).length < Object.keys(current.holders).length;
  const wait = ({ instanceId }: WantedCreate, why: WaitReason) =>
    verdicts.set(instanceId, { say: 'wait', why });
  const permit = (instanceId: string, unusedMs?: number) => {
    const call = timeCall(state, pace, nowMs, isFromLine, unusedMs);
    const hadSlot = holders[instanceId] !== undefined;
    const isGoing = isNow(call.startMs, nowMs);
    if (call.isNew || (isGoing && !isFromLine))
      holders[instanceId] = anotherThan(holders[instanceId], call.startMs);
    if (call.isNew && unusedMs === undefined) given.push(instanceId);
    // As it is kept: in whole milliseconds.
    if (!hadSlot) newcomers.push({ instanceId, startMs: Math.ceil(holders[instanceId] ?? nowMs) });
    isChanged ||= call.state !== state;
    state = { ...call.state, holders };
    const { startMs } = call;
    verdicts.set(instanceId, isGoing ? { say: 'go' } : { say: 'later', startMs });
  };
  for (const one of wanted) {
    const { instanceId } = one;
    const startMs = holders[instanceId];
    const isUnused = startMs !== undefined && mayUse(startMs, one, nowMs) && (!isFromLine || startMs > nowMs);
    if (isHandOver && startMs !== undefined && isBeingSent(startMs, one, nowMs)) {
      wait(one, 'sent');
      continue;
    }
    // What was learnt since a permit was given holds for it as well.
    if (isUnused && !isBarred(state)) {
      permit(instanceId, startMs);
      continue;
    }
    const nextMs = scheduleCalls(state, pace, nowMs, 1).startsMs[0] ?? nowMs;
    const why =
      (startMs === undefined ? whyNoSlot(state, limits, nowMs) : undefined) ??
      (!isUnused && nextMs > nowMs + HORIZON_MS ? 'rate' : undefined);
    if (why !== undefined) {
      wait(one, why);
      continue;
    }
    const barrier = barrierOf(state, one, nowMs);
    if (barrier.stands === 'for-now') wait(one, barrier.why);
    else if (barrier.stands === 'for-good') verdicts.set(instanceId, { say: 'no', failure: barrier.failure });
    else {
      isChanged ||= barrier.isProbe;
      permit(instanceId, isUnused ? startMs : undefined);
    }
  }
  return { verdicts, given, newcomers, state: isChanged ? state : undefined };
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
 * @param isFromLine whether its launch hears of it by the queue, and comes to ask when its call goes out
 * @param unusedMs the time that it was given before
 */
function timeCall(
  state: PlaceState,
  pace: Pace,
  nowMs: number,
  isFromLine: boolean,
  unusedMs: number | undefined,
): { startMs: number; state: PlaceState; isNew: boolean } {
  if (unusedMs !== undefined) {
    if (isFromLine || !isNow(unusedMs, nowMs)) return { startMs: unusedMs, state, isNew: false };
    const counted = sendCall(state, pace, nowMs);
    if (counted) return { startMs: nowMs, state: counted, isNew: false };
  }
  const calls = scheduleCalls(state, pace, nowMs, 1);
  const [startMs = nowMs] = calls.startsMs;
  const spokenFor = { ...state, ...calls.state };
  const counted = !isFromLine && isNow(startMs, nowMs) ? sendCall(spokenFor, pace, nowMs) : undefined;
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
  { holders, budget, ranAtMs }: PlaceState,
  { concurrentInstancesPerLocation, pacing }: LimitProfile,
  nowMs: number,
): WaitReason | undefined {
  const held = Object.keys(holders).length;
  if (held >= concurrentInstancesPerLocation) return 'slots';
  if (budget && budget.untilMs > nowMs) return 'budget';
  // Some clouds place all that comes by themselves, once one machine runs.
  if (pacing === 'all-at-once' && ranAtMs === undefined && held > 0) return 'first-instance';
  return undefined;
}
