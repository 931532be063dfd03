import type { LimitProfile, Totals } from '../../model/limit-profile.ts';
import {
  type BudgetState,
  type Demand,
  MINUTE_MS,
  RESERVATION_MS,
  reservedIds,
  sumOf,
  TOTALS,
  timely,
} from './budget-state.ts';

/**
 * Age of a reservation from which `countUsage` no longer postpones its removal. This age is a third of a reservation's
 * lifetime. If the write fails, later polls can therefore repeat the write before the reservation expires.
 */
const SETTLE_MS = RESERVATION_MS / 3;
/**
 * If a location's stored usage is older than this, the next poll writes it again, even if all sums are equal.
 * Otherwise, `timely` would drop the usage as outdated.
 */
const CONFIRM_MS = 10 * 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/**
 * Maximum number of reservations of a connection. Further launches wait, because all reservations are in one item, and
 * DynamoDB limits an item to 400 KB.
 */
const MOST_RESERVED = 5_000;
/** From this number of reservations on, polls no longer postpone the removal of reservations. */
const MANY_RESERVED = 1_000;
/** Time after which launches ask again if the maximum number of reservations is reached. */
const CROWDED_MS = 2_000;
/** Tolerance for rounding in sums of fractional GB. */
const ROUNDING = 1e-6;

export interface Refusal {
  reason: 'connectionCalls' | 'createsPerMinute' | 'createsPerDay' | keyof Totals;
  /** Time at which the launch may ask again. Absent: only the removal of an instance of the connection frees budget. */
  retryAtMs?: number;
}

export interface BudgetAnswer {
  /** Ids of the instances that may be launched. */
  taken: string[];
  /** Reason why the first instance that is not in `taken` may not be launched. */
  refused?: Refusal;
}

type Limits = Pick<LimitProfile, 'createsPerMinute' | 'createsPerDay' | 'totals'>;

export function hasBudget({ createsPerMinute, createsPerDay, totals = {} }: Limits): boolean {
  return (
    createsPerMinute !== undefined || createsPerDay !== undefined || TOTALS.some((kind) => kind in totals)
  );
}

/**
 * Takes budget for as many of `wanted`, in their order, as the limits allow. An instance that already has a reservation
 * takes nothing more; its reservation is renewed for three minutes. An instance that alone exceeds a total is skipped.
 */
export function takeFrom(
  current: BudgetState,
  limits: Limits,
  location: string,
  wanted: readonly Demand[],
  nowMs: number,
): { state: BudgetState; answer: BudgetAnswer } {
  const state = timely(current, nowMs);
  const { totals = {} } = limits;
  const reserved = reservedIds(state);
  const had = new Set(reserved);
  const used = sumOf(state);
  let count = had.size;
  const taken: string[] = [];
  let refused: Refusal | undefined;
  let isBlocked = false;
  for (const demand of wanted) {
    const { instanceId, vcpus, gpus, memoryGb, isCounted = false } = demand;
    if (!had.has(instanceId)) {
      const each = isCounted
        ? { instances: 0, vcpus: 0, gpus: 0, memoryGb: 0 }
        : { instances: 1, vcpus, gpus, memoryGb };
      const tooLarge = TOTALS.find((kind) => exceeds(each[kind], totals[kind]));
      if (tooLarge) {
        refused ??= { reason: tooLarge };
        continue;
      }
      if (isBlocked) continue;
      const refusal = refusalOf(state, limits, used, each, count, nowMs);
      if (refusal) {
        refused ??= refusal;
        isBlocked = true;
        continue;
      }
      count += 1;
      had.add(instanceId);
      for (const kind of TOTALS) used[kind] += each[kind];
      state.day.taken += 1;
      countIn(state.minute, nowMs);
    }
    taken.push(instanceId);
    if (!isCounted || reserved.has(instanceId)) reserve(state, location, demand, nowMs);
  }
  return { state, answer: { taken, ...(refused ? { refused } : {}) } };
}

/**
 * Replaces a location's stored usage by the usage that a poll has counted, and removes the reservations of the counted
 * instances. If the sums of usage and reservations stay equal, the write is postponed.
 *
 * @param readAtMs time at which the poll began to read the records. If the stored usage is from this time or later, the
 *   poll is ignored
 * @returns undefined if nothing has to be written
 */
export function countUsage(
  current: BudgetState,
  location: string,
  live: readonly Demand[],
  readAtMs: number,
  nowMs: number,
): BudgetState | undefined {
  const before = current.usage[location];
  if (before && before.seenAtMs >= readAtMs) return undefined;
  const state = timely(current, nowMs);
  const there = state.reserved[location] ?? {};
  const seen = live.flatMap(({ instanceId }) => {
    const sinceMs = there[instanceId]?.[0] ?? Infinity;
    return sinceMs <= readAtMs ? [{ instanceId, sinceMs }] : [];
  });
  const next = giveBack(
    { ...state, usage: withUsage(state.usage, location, live, readAtMs) },
    seen.map(({ instanceId }) => instanceId),
  );
  const [was, is] = [sumOf(state), sumOf(next)];
  const mayWait =
    TOTALS.every((kind) => Math.abs(was[kind] - is[kind]) < ROUNDING) &&
    seen.every(({ sinceMs }) => sinceMs + SETTLE_MS > nowMs) &&
    (seen.length === 0 || reservedIds(state).size < MANY_RESERVED) &&
    (before === undefined || before.seenAtMs + CONFIRM_MS > readAtMs);
  return mayWait ? undefined : next;
}

/**
 * Removes the reservations of these launches. The launches stay counted as creates of the minute and of the day,
 * because the cloud may count them towards its own limits, too.
 */
export function giveBack(current: BudgetState, ids: readonly string[]): BudgetState {
  const gone = new Set(ids);
  const reserved = Object.entries(current.reserved).flatMap(([location, there]) => {
    const kept = Object.entries(there).filter(([id]) => !gone.has(id));
    return kept.length > 0 ? [[location, Object.fromEntries(kept)] as const] : [];
  });
  return { ...current, reserved: Object.fromEntries(reserved) };
}

function refusalOf(
  { minute, day }: BudgetState,
  { createsPerMinute = Infinity, createsPerDay = Infinity, totals = {} }: Limits,
  used: Record<keyof Totals, number>,
  each: Record<keyof Totals, number>,
  count: number,
  nowMs: number,
): Refusal | undefined {
  const full = TOTALS.find((kind) => each[kind] > 0 && exceeds(used[kind] + each[kind], totals[kind]));
  if (full) return { reason: full };
  if (day.taken >= createsPerDay) {
    return { reason: 'createsPerDay', retryAtMs: Date.parse(day.date) + DAY_MS };
  }
  if (minute.reduce((sum, [, taken]) => sum + taken, 0) >= createsPerMinute) {
    return { reason: 'createsPerMinute', retryAtMs: (minute[0]?.[0] ?? nowMs) + MINUTE_MS };
  }
  // Unlike a full total, this refusal ends within seconds, because polls remove reservations.
  if (count >= MOST_RESERVED) return { reason: 'instances', retryAtMs: nowMs + CROWDED_MS };
  return undefined;
}

/**
 * Counts a create. The creates of one second share one entry. The entry has the time of the last create, so that no
 * create expires too early.
 */
function countIn(minute: BudgetState['minute'], nowMs: number): void {
  const last = minute.at(-1);
  if (last && Math.floor(last[0] / 1_000) >= Math.floor(nowMs / 1_000)) {
    last[0] = Math.max(last[0], nowMs);
    last[1] += 1;
  } else minute.push([nowMs, 1]);
}

function reserve(state: BudgetState, location: string, demand: Demand, nowMs: number): void {
  const { instanceId, vcpus, gpus, memoryGb } = demand;
  for (const [other, there] of Object.entries(state.reserved)) {
    if (other !== location) delete there[instanceId];
  }
  const there = state.reserved[location] ?? {};
  there[instanceId] = [nowMs, vcpus, gpus, memoryGb];
  state.reserved[location] = there;
}

function withUsage(
  usage: BudgetState['usage'],
  location: string,
  live: readonly Demand[],
  seenAtMs: number,
): BudgetState['usage'] {
  const { [location]: _, ...others } = usage;
  if (live.length === 0) return others;
  const sum = { instances: live.length, vcpus: 0, gpus: 0, memoryGb: 0, seenAtMs };
  for (const { vcpus, gpus, memoryGb } of live) {
    sum.vcpus += vcpus;
    sum.gpus += gpus;
    sum.memoryGb += memoryGb;
  }
  return { ...others, [location]: sum };
}

const exceeds = (amount: number, most = Infinity): boolean => amount > most + ROUNDING;
