import type { Totals } from '../../model/limit-profile.ts';

/** The amounts that an instance needs from a connection's totals. */
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

/** Sums over the instances of a site. */
export interface SiteUsage extends Record<keyof Totals, number> {
  /** Time at which the summed records were read. */
  seenAtMs: number;
}

/**
 * The amounts of a permitted launch that no poll has seen yet: time of the reservation in ms, vCPUs, GPUs, memory in
 * GB.
 */
export type Reservation = [sinceMs: number, vcpus: number, gpus: number, memoryGb: number];

export type BudgetState = {
  /**
   * Creates of the last 60 seconds. Each second has one entry: the time of its last create, and the number of its
   * creates.
   */
  minute: [atMs: number, count: number][];
  /** Number of creates of a day in UTC. */
  day: { date: string; taken: number };
  /** Usage by location, as the latest poll has counted it. */
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
 * Lifetime of a reservation. If no poll has seen the launch's record by then, the launch is assumed to have never been
 * made.
 */
export const RESERVATION_MS = 3 * 60_000;
/**
 * Usage that no poll has confirmed for this long is dropped, because the site is assumed to have no instances any more.
 */
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

/** Sums the usage that polls have counted and the reservations of launches. */
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
