import type { Failure } from '../../model/failure.ts';
import { parseInstanceId } from '../../model/identifiers.ts';
import type { LimitProfile } from '../../model/limit-profile.ts';
import { isWindow } from '../../model/rate.ts';
import type { WantedCreate } from '../../model/wanted-create.ts';
import { chooseZone } from '../placement/choose-zone.ts';
import { type AwaitedCalls, afterCall, mayFollow, withLeader, withWaiting } from './awaited-calls.ts';
import { blockOf, isBlocked, type QueueReason } from './blocks.ts';
import { mustFamilyWait, nextCreateMs } from './create-meters.ts';
import { CallPlan, type PlannedLaunch } from './plan-calls.ts';
import { isNow } from './rate.ts';
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
  /** Keys of the calls that go out now and could take launches of the launch queue along (`WantedCreate.call.shared`). */
  going: ReadonlySet<string>;
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

/** Where the launches of one decision come from. */
export interface Origin {
  /**
   * True: the launches come from the launch queue. Their start times are only reserved: each launch asks again at its
   * start time, and its call is counted then.
   */
  isFromQueue?: boolean;
  /**
   * True: slots are given back in the same write. Another worker may then have just given one of these launches a permit.
   * Such a launch is queued with the reason `sent`, because that worker sends the launch message. If that worker has
   * died, a poll sends the message.
   */
  isTransfer?: boolean;
  /**
   * Further launches, which wait in the launch queue for an alike call. Each gets a permit only if an alike call goes out
   * now, and then shares it. Otherwise it stays queued.
   */
  along?: readonly WantedCreate[];
}

/**
 * Decides about launches of one site, one after the other: whether a block stops the launch, whether it gets a slot,
 * and when its call may go out. A launch that has a slot keeps it even if the launch has to wait, because another
 * worker may be making the launch's call under that slot.
 */
export function decideCreates(
  current: SiteState,
  limits: LimitProfile,
  nowMs: number,
  wanted: readonly WantedCreate[],
  origin: Origin = {},
): CreateDecisions {
  const deciding = new Deciding(current, limits, nowMs, origin);
  for (const one of wanted) deciding.decide(one);
  for (const one of origin.along ?? []) deciding.takeAlong(one);
  return deciding.result();
}

/** The state of one decision. */
class Deciding {
  readonly #limits: LimitProfile;
  readonly #nowMs: number;
  readonly #isFromQueue: boolean;
  readonly #isTransfer: boolean;
  readonly #ratesOf: (instanceType: string) => CreateRates;
  readonly #plan: CallPlan;
  readonly #takesTurns: boolean;
  /** Ids of fleets that have launches with a later start time. */
  readonly #ahead: Set<string>;
  readonly #decisions = new Map<string, CreateDecision>();
  readonly #given: string[] = [];
  readonly #newcomers: ReleasedSlot[] = [];
  /** Numbers of launches that wait for awaited calls, and of launches that going calls took along, by key. */
  readonly #following = new Map<string, number>();
  readonly #taken = new Map<string, number>();
  readonly #going = new Set<string>();
  #holders: Record<string, number>;
  #state: SiteState;
  #isChanged: boolean;

  constructor(
    current: SiteState,
    limits: LimitProfile,
    nowMs: number,
    { isFromQueue = false, isTransfer = false }: Origin,
  ) {
    this.#limits = limits;
    this.#nowMs = nowMs;
    this.#isFromQueue = isFromQueue;
    this.#isTransfer = isTransfer;
    this.#holders = heldNow(current.holders, nowMs);
    this.#state = { ...current, holders: this.#holders };
    this.#ratesOf = memoized((instanceType) => createRatesOf(limits, instanceType));
    this.#plan = new CallPlan(this.#ratesOf, nowMs, isFromQueue);
    this.#isChanged = Object.keys(this.#holders).length < Object.keys(current.holders).length;
    this.#takesTurns = isPacedAlone(limits);
    this.#ahead = new Set(this.#takesTurns ? fleetsAhead(this.#holders, nowMs) : []);
  }

  result(): CreateDecisions {
    for (const key of this.#going)
      this.#await(afterCall(this.#awaited(), key, this.#taken.get(key) ?? 0, this.#nowMs));
    return {
      decisions: this.#decisions,
      given: this.#given,
      newcomers: this.#newcomers,
      going: this.#going,
      state: this.#isChanged ? this.#state : undefined,
    };
  }

  decide(one: WantedCreate): void {
    const startMs = this.#holders[one.instanceId];
    const isUnused =
      startMs !== undefined &&
      mayUse(startMs, one, this.#nowMs) &&
      (!this.#isFromQueue || startMs > this.#nowMs);
    const why = this.#whyQueued(one, startMs, isUnused);
    // If a failed call has blocked the site after the permit was given, the launch must pass the check of blocks below.
    if (why === undefined && isUnused && !isBlocked(this.#state)) this.#permit(one, startMs);
    else if (why === undefined) this.#checkBlocks(one, isUnused ? startMs : undefined);
    else this.#queue(one, why);
  }

  /** Returns why a launch has to be queued, apart from blocks. Undefined: it need not be. */
  #whyQueued(one: WantedCreate, startMs: number | undefined, isUnused: boolean): QueueReason | undefined {
    if (this.#isSent(one)) return 'sent';
    const noSlot = startMs === undefined ? whyNoSlot(this.#state, this.#limits, this.#nowMs) : undefined;
    if (noSlot !== undefined || isUnused) return noSlot;
    if (this.#follows(one)) return 'call';
    return this.#isFar(one) ? 'rate' : undefined;
  }

  #checkBlocks(one: WantedCreate, unusedMs: number | undefined): void {
    const block = blockOf(this.#state, one, this.#nowMs);
    switch (block.kind) {
      case 'for-now':
        this.#queue(one, block.why);
        break;
      case 'permanent':
        this.#decisions.set(one.instanceId, { action: 'deny', failure: block.failure });
        break;
      case 'none':
        this.#isChanged ||= block.isProbe;
        this.#permit(one, unusedMs, block.zone);
    }
  }

  /** Lets a launch of the launch queue share an alike call that goes out now. Otherwise the launch stays queued. */
  takeAlong(one: WantedCreate): void {
    const key = one.call?.shared?.key;
    const hasSlot = this.#holders[one.instanceId] !== undefined;
    const mayGo =
      key !== undefined &&
      !this.#isSent(one) &&
      (hasSlot || whyNoSlot(this.#state, this.#limits, this.#nowMs) === undefined) &&
      this.#isOpenFor(one);
    const shared = mayGo ? this.#plan.addToShared(this.#state, one) : undefined;
    if (key === undefined || !shared) {
      this.#queue(one, 'call');
      return;
    }
    this.#place(one, shared);
    this.#taken.set(key, (this.#taken.get(key) ?? 0) + 1);
  }

  #queue({ instanceId }: WantedCreate, why: QueueReason): void {
    this.#decisions.set(instanceId, { action: 'queue', why });
  }

  /** Returns true if another worker is assumed to be sending the message of a queued launch, or to be making its call. */
  #isSent(one: WantedCreate): boolean {
    const startMs = this.#holders[one.instanceId];
    const mayBeTaken = this.#isTransfer || (this.#isFromQueue && one.call?.shared !== undefined);
    return mayBeTaken && startMs !== undefined && isBeingSent(startMs, one, this.#nowMs);
  }

  #isFar(one: WantedCreate): boolean {
    const rates = this.#ratesOf(one.instanceType);
    const horizonMs = this.#ahead.has(one.fleetId) ? SHARED_HORIZON_MS : HORIZON_MS;
    if (mustFamilyWait(this.#state, rates, this.#nowMs)) return true;
    if (this.#plan.mayJoin(this.#state, one)) return false;
    return nextCreateMs(this.#state, rates, this.#nowMs) > this.#nowMs + horizonMs;
  }

  /**
   * Lets a launch wait in the launch queue for the call of an alike launch that has a start time, in place of a call of
   * its own.
   *
   * @returns false if there is no such call, or the launch's own call may go out now
   */
  #follows(one: WantedCreate): boolean {
    const { shared } = one.call ?? {};
    if (!shared || !mayFollow(this.#awaited(), shared, this.#nowMs)) return false;
    const waiting = (this.#following.get(shared.key) ?? 0) + 1;
    if (this.#isFromQueue && waiting >= shared.most) return false;
    if (this.#plan.mayJoin(this.#state, one)) return false;
    const nextMs = nextCreateMs(this.#state, this.#ratesOf(one.instanceType), this.#nowMs);
    if ((isNow(nextMs, this.#nowMs) && !this.#isFromQueue) || !this.#isOpenFor(one)) return false;
    this.#following.set(shared.key, waiting);
    const known = this.#awaited()[shared.key]?.waiting ?? 0;
    // A launch of the queue may have been counted before.
    this.#await(withWaiting(this.#awaited(), shared.key, this.#isFromQueue ? waiting : known + 1));
    return true;
  }

  /** Returns true if no block stops a launch, and it would test none. */
  #isOpenFor(one: WantedCreate): boolean {
    const block = blockOf({ ...this.#state }, one, this.#nowMs);
    return block.kind === 'none' && !block.isProbe;
  }

  #permit(one: WantedCreate, unusedMs?: number, zone?: string): void {
    const { zoneChoice } = one;
    const chosen = zone ?? (zoneChoice ? chooseZone(zoneChoice.open, zoneChoice) : undefined);
    this.#place(one, this.#plan.add(this.#state, one, chosen ?? one.zone, unusedMs), unusedMs, chosen);
  }

  #place(one: WantedCreate, call: PlannedLaunch, unusedMs?: number, planned?: string): void {
    const { instanceId } = one;
    const { startMs, isGoing } = call;
    const zone = one.zoneChoice ? (call.zone ?? planned) : planned;
    const hadSlot = this.#holders[instanceId] !== undefined;
    if (call.isNew || (isGoing && !this.#isFromQueue))
      this.#holders[instanceId] = anotherThan(this.#holders[instanceId], startMs);
    if (call.isNew && unusedMs === undefined) this.#given.push(instanceId);
    // Holders are stored with whole milliseconds, rounded up.
    if (!hadSlot)
      this.#newcomers.push({ instanceId, startMs: Math.ceil(this.#holders[instanceId] ?? this.#nowMs) });
    this.#isChanged ||= call.state !== this.#state;
    this.#state = { ...call.state, holders: this.#holders };
    const shared = call.id === undefined ? {} : { call: call.id };
    const going = { action: 'allow', ...(zone === undefined ? {} : { zone }), ...shared } as const;
    this.#decisions.set(instanceId, isGoing ? going : { action: 'scheduleAt', startMs, ...shared });
    if (!isGoing && this.#takesTurns) this.#ahead.add(one.fleetId);
    this.#noteCall(one, call);
  }

  /** Notes a call that launches of other fleets may share: it goes out now, or they may wait for it. */
  #noteCall({ call }: WantedCreate, { isFirst, isGoing, startMs }: PlannedLaunch): void {
    if (!call?.shared) return;
    const { key } = call.shared;
    if (isGoing && !this.#isFromQueue) this.#going.add(key);
    else if (isFirst) this.#await(withLeader(this.#awaited(), key, startMs, this.#nowMs));
  }

  #awaited(): AwaitedCalls {
    return this.#state.awaited ?? {};
  }

  #await(awaited: AwaitedCalls): void {
    if (awaited === this.#state.awaited || (!this.#state.awaited && Object.keys(awaited).length === 0))
      return;
    this.#isChanged = true;
    this.#state = { ...this.#state, awaited };
  }
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
