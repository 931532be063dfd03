import { perSecondOf } from '../../model/rate.ts';
import {
  awaitsAccepted,
  type CallState,
  countCall,
  IDLE_CALLS,
  isNow,
  mostTogether,
  nextSendMs,
  noteAccepted,
  partLeft,
  type RateLimit,
  scheduleCalls,
  sendCall,
  slowCalls,
  type Throttle,
  uncountCalls,
} from './rate.ts';
import type { CreateRates } from './rate-limits.ts';
import type { SiteState } from './site-state.ts';

/**
 * The schedules of creates at a site: that of create calls, which are the fields of the state itself, that of machines,
 * `machines`, and those of `families` of instance types. A call for n machines takes one unit of the first and n of the
 * others, and starts when all allow it.
 */
type Metered = CallState & Pick<SiteState, 'machines' | 'families'>;

const machinesOf = ({ machines }: Metered): CallState => machines ?? IDLE_CALLS;

/** A schedule of machines. */
interface MachineMeter {
  limit: RateLimit;
  of(state: Metered): CallState;
  into<State extends Metered>(state: State, known: CallState): State;
}

function metersOf({ machines, family }: CreateRates): MachineMeter[] {
  const all: MachineMeter[] = [];
  if (machines) {
    all.push({ limit: machines, of: machinesOf, into: (state, known) => ({ ...state, machines: known }) });
  }
  if (family) {
    const { name, limit } = family;
    all.push({
      limit,
      of: ({ families }) => families?.[name] ?? IDLE_CALLS,
      into: (state, known) => ({ ...state, families: { ...state.families, [name]: known } }),
    });
  }
  return all;
}

/**
 * Schedules the next create call, for one machine, as early as all schedules allow. Further machines may join it; see
 * `joinCall`.
 */
export function scheduleCreate<State extends Metered>(
  state: State,
  rates: CreateRates,
  nowMs: number,
): { startMs: number; state: State } {
  return scheduleShared(state, rates, nowMs, 1);
}

/**
 * Schedules the next call, for `machines` machines, as early as all schedules allow all of them together. A call for
 * more machines than may ever go out together starts when none of them is used up. Later calls wait for the rest.
 */
export function scheduleShared<State extends Metered>(
  state: State,
  rates: CreateRates,
  nowMs: number,
  machines: number,
): { startMs: number; state: State } {
  const first = scheduleCalls(state, rates.calls, nowMs, 1);
  const [earliestMs = nowMs] = first.startsMs;
  const meters = metersOf(rates);
  if (meters.length === 0) return { startMs: earliestMs, state: { ...state, ...first.state } };
  const startsMs = meters.map((meter) => startOn(meter, state, nowMs, machines, earliestMs).startMs);
  const startMs = Math.max(...startsMs);
  let known: State = { ...state, ...scheduleCalls(state, rates.calls, nowMs, 1, startMs).state };
  for (const [at, meter] of meters.entries()) {
    const fromMs = startsMs[at] === startMs ? earliestMs : startMs;
    known = meter.into(known, startOn(meter, state, nowMs, machines, fromMs).state);
  }
  return { startMs, state: known };
}

/**
 * Schedules a call again that could not go out at its start time, because earlier calls left late. Its machine keeps its
 * place in the schedules of machines: a second place would delay all later machines.
 */
export function rescheduleCreate<State extends Metered>(
  state: State,
  rates: CreateRates,
  nowMs: number,
): { startMs: number; state: State } {
  const readyMs = metersOf(rates).map(({ limit, of }) => nextSendMs(of(state), limit, nowMs));
  const { startsMs, state: calls } = scheduleCalls(state, rates.calls, nowMs, 1, Math.max(nowMs, ...readyMs));
  return { startMs: startsMs[0] ?? nowMs, state: { ...state, ...calls } };
}

/** Schedules the machines of one call on one meter. */
function startOn(
  { limit, of }: MachineMeter,
  state: Metered,
  nowMs: number,
  machines: number,
  fromMs: number,
): { startMs: number; state: CallState } {
  const all = scheduleCalls(of(state), limit, nowMs, machines, fromMs);
  const together = Math.min(machines, mostTogether(of(state), limit, nowMs));
  return { startMs: all.startsMs[together - 1] ?? fromMs, state: all.state };
}

/**
 * Reserves one more machine for a call that starts at `startMs`.
 *
 * @returns undefined if a rate of machines does not allow the machine by then
 */
export function joinCall<State extends Metered>(
  state: State,
  rates: CreateRates,
  nowMs: number,
  startMs: number,
): State | undefined {
  let joined = state;
  for (const { limit, of, into } of metersOf(rates)) {
    const machine = scheduleCalls(of(state), limit, nowMs, 1, startMs);
    const [earliestMs = nowMs] = machine.startsMs;
    if (earliestMs > startMs) return undefined;
    joined = into(joined, machine.state);
  }
  return joined;
}

/** What a create call takes of the schedules when it goes out. */
export interface Taken {
  calls: 0 | 1;
  machines: number;
}

/**
 * Counts a create call that goes out now. Machines beyond the number that may ever go out together are counted, and do
 * not delay the call.
 *
 * @returns undefined if the cloud would throttle the call
 */
export function sendCreate<State extends Metered>(
  state: State,
  rates: CreateRates,
  nowMs: number,
  { calls, machines }: Taken,
): State | undefined {
  let sent: State | undefined = calls === 0 ? state : sendCall(state, rates.calls, nowMs);
  for (const { limit, of, into } of machines === 0 ? [] : metersOf(rates)) {
    if (!sent) return undefined;
    const known = sendMachines(of(sent), limit, nowMs, machines);
    sent = known && into(sent, known);
  }
  return sent;
}

function sendMachines(
  state: CallState,
  limit: RateLimit,
  nowMs: number,
  machines: number,
): CallState | undefined {
  const together = Math.min(machines, mostTogether(state, limit, nowMs));
  let known = state;
  for (let machine = 0; machine < together; machine += 1) {
    const next = sendCall(known, limit, nowMs);
    if (!next) return undefined;
    known = next;
  }
  for (let machine = together; machine < machines; machine += 1) known = countCall(known, limit, nowMs);
  return known;
}

/** Counts a create call that goes out now, regardless of the rates. */
export function countCreate<State extends Metered>(
  state: State,
  rates: CreateRates,
  nowMs: number,
  { calls, machines }: Taken,
): State {
  let counted = calls === 0 ? state : countCall(state, rates.calls, nowMs);
  for (const { limit, of, into } of metersOf(rates)) {
    let known = of(counted);
    for (let machine = 0; machine < machines; machine += 1) known = countCall(known, limit, nowMs);
    if (machines > 0) counted = into(counted, known);
  }
  return counted;
}

/** Create calls that were counted, and leave later than they were counted. */
export interface LateCreates {
  /** Number of machines of each call that has not left. */
  sizes: readonly number[];
  countedAtMs: number;
}

/**
 * Counts create calls again at the time at which they leave; see `recountCalls`.
 *
 * @returns `sent`: number of calls that may leave now: the first ones of `late.sizes`
 */
export function recountCreates<State extends Metered>(
  state: State,
  rates: CreateRates,
  nowMs: number,
  { sizes, countedAtMs }: LateCreates,
): { sent: number; state: State } {
  const uncounted = (one: CallState, limit: RateLimit, count: number) =>
    uncountCalls(one, limit, nowMs, { count, countedAtMs });
  const asked = sizes.reduce((sum, size) => sum + size, 0);
  let known: State = { ...state, ...uncounted(state, rates.calls, sizes.length) };
  if (rates.machines) known = { ...known, machines: uncounted(machinesOf(state), rates.machines, asked) };
  let sent = 0;
  for (const machines of sizes) {
    const next = sendCreate(known, rates, nowMs, { calls: 1, machines });
    if (!next) break;
    known = next;
    sent += 1;
  }
  for (const machines of sizes.slice(sent)) known = countCreate(known, rates, nowMs, { calls: 1, machines });
  return { sent, state: known };
}

/** Returns the earliest time at which a call for one machine may start. */
export const nextCreateMs = (state: Metered, rates: CreateRates, nowMs: number): number =>
  scheduleCreate(state, rates, nowMs).startMs;

/**
 * Returns true if the rate of the family of instance types allows no machine now. To reserve a later time would move the
 * schedules of all creates of the site to that time, so that creates of other types would wait, too.
 */
export function mustFamilyWait(state: Metered, { family }: CreateRates, nowMs: number): boolean {
  if (!family) return false;
  const known = state.families?.[family.name] ?? IDLE_CALLS;
  const [startMs = nowMs] = scheduleCalls(known, family.limit, nowMs, 1).startsMs;
  return !isNow(startMs, nowMs);
}

/** Time before which no create call goes out, because the cloud has throttled some. */
export const createsBlockedUntilMs = ({ blockedUntilMs, machines }: Metered): number =>
  Math.max(blockedUntilMs, machines?.blockedUntilMs ?? 0);

/** Returns true if creates are slowed down, and the cloud has accepted none since the last throttle. */
export const awaitsCreate = (state: Metered): boolean =>
  awaitsAccepted(state) || awaitsAccepted(machinesOf(state));

/** Records that the cloud accepted a create call after it had throttled others. */
export function noteCreate<State extends Metered>(state: State): State {
  const known = noteAccepted(state);
  if (!known.machines || !awaitsAccepted(known.machines)) return known;
  return { ...known, machines: noteAccepted(known.machines) };
}

/** Which meter of the cloud refused a create call: that of calls, that of machines, or one that is not known. */
export type MeterName = 'calls' | 'machines' | 'unknown';

export interface CreateThrottle extends Omit<Throttle, 'limit' | 'toldMultiplier'> {
  meter: MeterName;
  /** Units per second that the cloud says it accepts. */
  limitPerSecond?: number | undefined;
}

/**
 * If the parts that are left of the two meters differ by less than this, the governor cannot tell which of them the
 * cloud has found empty.
 */
const ALIKE = 0.1;

/**
 * Slows creates down after a throttle. Clouds use the same words for both meters. If the cloud does not name the meter,
 * the one is slowed down of which, by the governor's own count, the smaller part is left. If the cloud throttles the
 * next call again, the governor was wrong, and both are slowed down.
 */
export function slowCreates<State extends Metered>(
  state: State,
  { calls, machines }: CreateRates,
  nowMs: number,
  { meter, limitPerSecond, ...throttle }: CreateThrottle,
): State {
  const of = (limit: RateLimit): Throttle => ({
    ...throttle,
    limit,
    toldMultiplier: limitPerSecond === undefined ? undefined : limitPerSecond / perSecondOf(limit),
  });
  if (!machines) return slowCalls(state, nowMs, of(calls));
  const blamed = blame(state, { calls, machines }, nowMs, throttle.calledAtMs, meter);
  const slowed = blamed === 'machines' ? state : slowCalls(state, nowMs, of(calls));
  if (blamed === 'calls') return slowed;
  return { ...slowed, machines: slowCalls(machinesOf(state), nowMs, of(machines)) };
}

function blame(
  state: Metered,
  { calls, machines }: Required<Pick<CreateRates, 'calls' | 'machines'>>,
  nowMs: number,
  calledAtMs: number,
  meter: MeterName,
): 'calls' | 'machines' | 'both' {
  if (meter !== 'unknown') return meter;
  const slowedAtMs = { calls: state.slowed?.sinceMs, machines: state.machines?.slowed?.sinceMs };
  // Calls that were under way together are one piece of news.
  const isKnown = (atMs: number | undefined) => atMs !== undefined && atMs > calledAtMs;
  const known = [isKnown(slowedAtMs.calls), isKnown(slowedAtMs.machines)];
  if (known.every(Boolean)) return 'both';
  if (known[0]) return 'calls';
  if (known[1]) return 'machines';
  if (awaitsCreate(state)) return 'both';
  const left = partLeft(state, calls, nowMs) - partLeft(machinesOf(state), machines, nowMs);
  if (Math.abs(left) < ALIKE) return 'both';
  return left < 0 ? 'calls' : 'machines';
}
