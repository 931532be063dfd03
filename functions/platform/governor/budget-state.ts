import type { Totals } from '../../model/limit-profile.ts';

/** The amounts that one instance adds to the totals of its connection. */
export interface Demand {
  instanceId: string;
  vcpus: number;
  gpus: number;
  memoryGb: number;
  /**
   * True if a poll may already have counted the instance's record. The instance then takes nothing more from the
   * totals.
   */
  isCounted?: boolean | undefined;
}

/** Usage of a site: sums over its instances. */
export interface SiteUsage extends Record<keyof Totals, number> {
  /** Time at which the poll began to read the instances' records. */
  seenAtMs: number;
}

/**
 * Amounts that are reserved for a permitted launch until a poll has counted the launch's record. `sinceMs`: time of the
 * reservation, in ms since 1970.
 */
export type Reservation = [sinceMs: number, vcpus: number, gpus: number, memoryGb: number];

export type BudgetState = {
  /**
   * Creates of the last 60 seconds. Each second with creates has one entry, with the time of the second's last create.
   */
  minute: [atMs: number, count: number][];
  /** Number of creates on one day (UTC). */
  day: { date: string; taken: number };
  /** Usage of each location, as a poll has counted it. */
  usage: Record<string, SiteUsage>;
  /** Reservations by location and instance id. */
  reserved: Record<string, Record<string, Reservation>>;
};

export const UNTOUCHED_BUDGET: BudgetState = {
  minute: [],
  day: { date: '', taken: 0 },
  usage: {},
  reserved: {},
};

/**
 * Lifetime of a reservation. If no poll has counted the launch's record by then, the create call is assumed never to
 * have been made.
 */
export const RESERVATION_MS = 3 * 60_000;
/** Stored usage that is older than this is dropped, because the site is assumed to have no instances any more. */
const USAGE_KEPT_MS = 30 * 60_000;
export const MINUTE_MS = 60_000;

export const TOTALS = ['instances', 'vcpus', 'gpus', 'memoryGb'] as const satisfies (keyof Totals)[];

export function reservedIds({ reserved }: BudgetState): Set<string> {
  return new Set(Object.values(reserved).flatMap((there) => Object.keys(there)));
}

/** Returns a copy of the state without expired creates, reservations and usage. */
export function timely({ minute, day, usage, reserved }: BudgetState, nowMs: number): BudgetState {
  const date = dateOf(nowMs);
  const sites = Object.entries(reserved).flatMap(([location, there]) => {
    const kept = Object.entries(there).filter(([, [sinceMs]]) => sinceMs + RESERVATION_MS > nowMs);
    return kept.length > 0 ? [[location, Object.fromEntries(kept)] as const] : [];
  });
  return {
    minute: minute.filter(([atMs]) => atMs + MINUTE_MS > nowMs).map(([atMs, count]) => [atMs, count]),
    day: day.date >= date ? { ...day } : { date, taken: 0 },
    usage: Object.fromEntries(
      Object.entries(usage).filter(([, { seenAtMs }]) => seenAtMs + USAGE_KEPT_MS > nowMs),
    ),
    reserved: Object.fromEntries(sites),
  };
}

/** Returns the sum of all counted usage and all reservations. */
export function sumOf({ usage, reserved }: BudgetState): Record<keyof Totals, number> {
  const sum = { instances: 0, vcpus: 0, gpus: 0, memoryGb: 0 };
  for (const one of Object.values(usage)) for (const kind of TOTALS) sum[kind] += one[kind];
  for (const there of Object.values(reserved)) {
    for (const [, vcpus, gpus, memoryGb] of Object.values(there)) {
      sum.instances += 1;
      sum.vcpus += vcpus;
      sum.gpus += gpus;
      sum.memoryGb += memoryGb;
    }
  }
  return sum;
}

const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
