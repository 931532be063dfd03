import type { WantedCreate } from '../../model/wanted-create.ts';
import {
  countCreate,
  createsBlockedUntilMs,
  joinCall,
  rescheduleCreate,
  scheduleCreate,
  sendCreate,
} from './create-meters.ts';
import { isNow } from './rate.ts';
import type { CreateRates } from './rate-limits.ts';
import type { SiteState } from './site-state.ts';

/** A create call to which further launches of the same request may be added. */
interface OpenCall {
  id: string;
  startMs: number;
  isGoing: boolean;
  /** Number of machines for which the call has room. */
  room: number;
}

/** Place of one launch in the plan. */
export interface PlannedLaunch {
  /** Start time of the launch's call. */
  startMs: number;
  /** True if the call goes out now. */
  isGoing: boolean;
  /** True if the start time was reserved by this plan; false if the launch had it already. */
  isNew: boolean;
  /** Id of the call among the calls of the plan. Absent: the launch shares its call with no other. */
  id?: string;
  state: SiteState;
}

/**
 * Plans the create calls of the launches of one request. Launches that may share a call get one call, with one start
 * time, and take one unit of the schedule of calls together.
 *
 * The start time of a call is reserved when the permit is given. The call is counted only when it goes out, because the
 * message queue may deliver many launches late and together.
 */
export class CallPlan {
  readonly #ratesOf: (instanceType: string) => CreateRates;
  readonly #nowMs: number;
  readonly #isFromQueue: boolean;
  readonly #open = new Map<string, OpenCall>();
  /** Calls of launches that already had a start time, which is still to come. */
  readonly #kept = new Map<string, OpenCall>();
  #calls = 0;

  /**
   * @param ratesOf returns the rate limits of creates of an instance type
   * @param isFromQueue whether the launches come from the launch queue. Such a launch asks again at its start time, and
   *   its call is counted then
   */
  constructor(ratesOf: (instanceType: string) => CreateRates, nowMs: number, isFromQueue: boolean) {
    this.#ratesOf = ratesOf;
    this.#nowMs = nowMs;
    this.#isFromQueue = isFromQueue;
  }

  /**
   * Returns true if a call of the plan may have room for the launch, and the rate of machines allows one more by the
   * call's start time. The launch's zone is not known yet.
   */
  mayJoin(state: SiteState, { call, instanceType }: WantedCreate): boolean {
    if (!call) return false;
    const rates = this.#ratesOf(instanceType);
    return [...this.#open].some(
      ([key, { room, startMs }]) =>
        room > 0 &&
        key.startsWith(prefixOf(call)) &&
        joinCall(state, rates, this.#nowMs, startMs) !== undefined,
    );
  }

  /**
   * Adds a launch that no block stops.
   *
   * @param unusedMs start time of the launch's unused permit; undefined: it has none
   */
  add(
    state: SiteState,
    wanted: WantedCreate,
    zone: string | undefined,
    unusedMs: number | undefined,
  ): PlannedLaunch {
    const key = wanted.call && `${prefixOf(wanted.call)}${zone ?? '*'}`;
    if (unusedMs !== undefined) {
      if (this.#isFromQueue || !isNow(unusedMs, this.#nowMs)) return this.#keep(state, wanted, key, unusedMs);
      const sent = this.#send(state, wanted, key, unusedMs);
      if (sent) return sent;
    }
    const isReserved = unusedMs !== undefined;
    return this.#join(state, wanted, key, isReserved) ?? this.#begin(state, wanted, key, isReserved);
  }

  #keep(state: SiteState, { call }: WantedCreate, key: string | undefined, startMs: number): PlannedLaunch {
    const kept = { startMs, isGoing: false, isNew: false, state };
    if (!call || key === undefined) return kept;
    const at = `${key} ${startMs}`;
    const known = this.#kept.get(at);
    const open = known && known.room > 0 ? known : this.#number(startMs, false, call.most);
    open.room -= 1;
    this.#kept.set(at, open);
    return { ...kept, id: open.id };
  }

  /** Sends a launch whose start time has come. @returns undefined if the cloud would throttle its call now */
  #send(
    state: SiteState,
    { call, instanceType }: WantedCreate,
    key: string | undefined,
    unusedMs: number,
  ): PlannedLaunch | undefined {
    const nowMs = this.#nowMs;
    const open = this.#roomIn(key);
    const isJoining = open?.isGoing === true;
    const taken = { calls: isJoining ? 0 : 1, machines: 1 } as const;
    const isTogether =
      state.together?.includes(unusedMs) === true && isNow(createsBlockedUntilMs(state), nowMs);
    const counted = (isTogether ? countCreate : sendCreate)(state, this.#ratesOf(instanceType), nowMs, taken);
    if (!counted) return undefined;
    const own = isJoining ? open : this.#opened(key, nowMs, true, call?.most);
    return this.#placed(own, { startMs: nowMs, isGoing: true, isNew: false, state: counted });
  }

  /**
   * Adds a launch to a call of the plan.
   *
   * @param isReserved true if the machine has its place in the schedules of machines, by a start time that has passed
   */
  #join(
    state: SiteState,
    { instanceType }: WantedCreate,
    key: string | undefined,
    isReserved: boolean,
  ): PlannedLaunch | undefined {
    const open = this.#roomIn(key);
    if (!open) return undefined;
    const { startMs, isGoing } = open;
    const rates = this.#ratesOf(instanceType);
    const joined = isReserved ? state : joinCall(state, rates, this.#nowMs, startMs);
    const counted =
      joined && isGoing ? sendCreate(joined, rates, this.#nowMs, { calls: 0, machines: 1 }) : joined;
    const isNowDue = isNow(startMs, this.#nowMs);
    return counted && this.#placed(open, { startMs, isGoing: isNowDue, isNew: true, state: counted });
  }

  /** Begins a call with a launch. @param isReserved as for `#join` */
  #begin(
    state: SiteState,
    { call, instanceType }: WantedCreate,
    key: string | undefined,
    isReserved: boolean,
  ): PlannedLaunch {
    const nowMs = this.#nowMs;
    const rates = this.#ratesOf(instanceType);
    const { startMs, state: reserved } = (isReserved ? rescheduleCreate : scheduleCreate)(
      state,
      rates,
      nowMs,
    );
    const isGoing = isNow(startMs, nowMs);
    const one = { calls: 1, machines: 1 } as const;
    const isSent = isGoing && !this.#isFromQueue;
    const counted = isSent ? countCreate(reserved, rates, nowMs, one) : reserved;
    const open = this.#opened(key, startMs, isSent, call?.most);
    return this.#placed(open, { startMs, isGoing, isNew: true, state: counted });
  }

  #roomIn(key: string | undefined): OpenCall | undefined {
    const open = key === undefined ? undefined : this.#open.get(key);
    return open && open.room > 0 ? open : undefined;
  }

  #opened(
    key: string | undefined,
    startMs: number,
    isGoing: boolean,
    most: number | undefined,
  ): OpenCall | undefined {
    if (key === undefined || most === undefined) return undefined;
    const open = this.#number(startMs, isGoing, most);
    this.#open.set(key, open);
    return open;
  }

  #number(startMs: number, isGoing: boolean, most: number): OpenCall {
    this.#calls += 1;
    return { id: String(this.#calls), startMs, isGoing, room: most };
  }

  #placed(open: OpenCall | undefined, launch: Omit<PlannedLaunch, 'id'>): PlannedLaunch {
    if (!open) return launch;
    open.room -= 1;
    return { ...launch, id: open.id };
  }
}

const prefixOf = ({ key, most }: NonNullable<WantedCreate['call']>): string => `${most} ${key} in `;
