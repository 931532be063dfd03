import type { Failure } from '../../model/failure.ts';
import { parseInstanceId } from '../../model/identifiers.ts';
import type { LimitProfile } from '../../model/limit-profile.ts';
import { isWindow } from '../../model/rate.ts';
import type { WantedCreate } from '../../model/wanted-create.ts';
import { chooseZone } from '../placement/choose-zone.ts';
import { blockOf, isBlocked, type QueueReason } from './blocks.ts';
import { mustFamilyWait, nextCreateMs } from './create-meters.ts';
import { CallPlan } from './plan-calls.ts';
import { type CreateRates, createRatesOf } from './rate-limits.ts';
import type { SiteState } from './site-state.ts';
import { heldNow, MOST_HELD, type ReleasedSlot } from './slots.ts';

/** The governor's decision about one launch. */
export type CreateDecision =
  /**
   * The launch's call may go out now, in `zone` if the control plane chooses the zone. Launches with the same `call` in
   * one answer share a create call.
   */
  | { action: 'allow'; zone?: string; call?: string }
  /** The launch has a slot, and its call may go out at `startMs`. */
  | { action: 'scheduleAt'; startMs: number; call?: string }
  /**
   * The launch waits in the launch queue and does not ask again. A worker that later frees a slot sends the launch
   * message.
   */
  | { action: 'queue'; why: QueueReason }
  /** The launch cannot succeed at this site. */
  | { action: 'deny'; failure: Failure };

export interface CreateDecisions {
  decisions: Map<string, CreateDecision>;
  /** Ids of the instances to which this decision gave a new permit, because no earlier permit was still valid. */
  given: string[];
  /** Slots that this decision gave, each with the start time of its permit. */
  newcomers: ReleasedSlot[];
  /** The state to write; undefined if nothing changes. */
  state: SiteState | undefined;
}

/** A permit that is not used within this time after its start time expires. The launch then needs a new permit. */
const FRESH_MS = 30_000;
/**
 * If the rate limit delays a call by more than this time, the launch is queued. A permit would occupy a slot for the
 * whole delay.
 */
const HORIZON_MS = 60_000;
/**
 * The same for a fleet that has a later start time already, at a cloud without slots. Its further launches stay in the
 * launch queue, where those of other fleets may be served before them. Polls serve the queue at least every 5 seconds.
 */
const SHARED_HORIZON_MS = 6_000;
/**
 * If the start time of a permit is less than this time before or after now, the worker that gave the permit is assumed
 * to be sending the launch message.
 */
const SENDING_MS = 3_000;

/**
 * Decides about launches of one site, one after the other: whether a block stops the launch, whether it gets a slot,
 * and when its call may go out. A launch that has a slot keeps it even if the launch has to wait, because another
 * worker may be making the launch's call under that slot.
 *
 * @param isFromQueue true: the launches come from the launch queue. Their start times are only reserved: each launch
 *   asks again at its start time, and its call is counted then
 * @param isTransfer true: slots are given back in the same write. Another worker may then have just given one of these
 *   launches a permit. Such a launch is queued with the reason `sent`, because that worker sends the launch message. If
 *   that worker has died, a poll sends the message
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
  const ratesOf = memoized((instanceType) => createRatesOf(limits, instanceType));
  const plan = new CallPlan(ratesOf, nowMs, isFromQueue);
  let isChanged = Object.keys(holders).length < Object.keys(current.holders).length;
  const takesTurns = isPacedAlone(limits);
  const ahead = new Set(takesTurns ? fleetsAhead(holders, nowMs) : []);
  const queue = ({ instanceId }: WantedCreate, why: QueueReason) =>
    decisions.set(instanceId, { action: 'queue', why });
  const permit = (one: WantedCreate, unusedMs?: number, zone?: string) => {
    const { instanceId, zoneChoice } = one;
    const chosen = zone ?? (zoneChoice ? chooseZone(zoneChoice.open, zoneChoice) : undefined);
    const call = plan.add(state, one, chosen ?? one.zone, unusedMs);
    const { startMs, isGoing } = call;
    const hadSlot = holders[instanceId] !== undefined;
    if (call.isNew || (isGoing && !isFromQueue))
      holders[instanceId] = anotherThan(holders[instanceId], startMs);
    if (call.isNew && unusedMs === undefined) given.push(instanceId);
    // Holders are stored with whole milliseconds, rounded up.
    if (!hadSlot) newcomers.push({ instanceId, startMs: Math.ceil(holders[instanceId] ?? nowMs) });
    isChanged ||= call.state !== state;
    state = { ...call.state, holders };
    const shared = call.id === undefined ? {} : { call: call.id };
    const going = { action: 'allow', ...(chosen === undefined ? {} : { zone: chosen }), ...shared } as const;
    decisions.set(instanceId, isGoing ? going : { action: 'scheduleAt', startMs, ...shared });
    if (!isGoing && takesTurns) ahead.add(one.fleetId);
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
    // If a failed call has blocked the site after the permit was given, the launch must pass the check of blocks below.
    if (isUnused && !isBlocked(state)) {
      permit(one, startMs);
      continue;
    }
    const rates = ratesOf(one.instanceType);
    const horizonMs = ahead.has(one.fleetId) ? SHARED_HORIZON_MS : HORIZON_MS;
    const isFar = () =>
      mustFamilyWait(state, rates, nowMs) ||
      (!plan.mayJoin(state, one) && nextCreateMs(state, rates, nowMs) > nowMs + horizonMs);
    const why =
      (startMs === undefined ? whyNoSlot(state, limits, nowMs) : undefined) ??
      (!isUnused && isFar() ? 'rate' : undefined);
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
      permit(one, isUnused ? startMs : undefined, block.zone);
    }
  }
  return { decisions, given, newcomers, state: isChanged ? state : undefined };
}

/** Computes the rates of each instance type once for all launches of a decision. */
function memoized(ratesOf: (instanceType: string) => CreateRates): (instanceType: string) => CreateRates {
  const known = new Map<string, CreateRates>();
  return (instanceType) => {
    const rates = known.get(instanceType) ?? ratesOf(instanceType);
    known.set(instanceType, rates);
    return rates;
  };
}

/** Returns true if launches wait for a token bucket alone: the cloud has no slots, and counts in no windows. */
const isPacedAlone = ({ concurrentInstancesPerLocation, calls, instances }: LimitProfile): boolean =>
  concurrentInstancesPerLocation === undefined &&
  ![calls.create, instances].some((rate) => rate && isWindow(rate));

/** Returns the ids of the fleets that have launches with a later start time. */
function fleetsAhead(holders: Readonly<Record<string, number>>, nowMs: number): string[] {
  return Object.entries(holders).flatMap(([id, startMs]) =>
    startMs > nowMs ? (parseInstanceId(id)?.fleetId ?? []) : [],
  );
}

/**
 * Returns a start time that differs from that of the holder's earlier permit (`knownMs`). A permit is identified by its
 * start time, so a late release of the slot for the earlier permit has no effect.
 */
function anotherThan(knownMs: number | undefined, startMs: number): number {
  return knownMs !== undefined && Math.ceil(startMs) === knownMs ? knownMs + 1 : startMs;
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
  { concurrentInstancesPerLocation, pacing }: Pick<LimitProfile, 'concurrentInstancesPerLocation' | 'pacing'>,
  nowMs: number,
): QueueReason | undefined {
  const held = Object.keys(holders).length;
  if (held >= Math.min(concurrentInstancesPerLocation ?? MOST_HELD, MOST_HELD)) return 'slots';
  if (budget && budget.untilMs > nowMs) return 'budget';
  // Some clouds queue create calls themselves, but only after one machine has run.
  if (pacing === 'all-at-once' && ranAtMs === undefined && held > 0) return 'first-instance';
  return undefined;
}
