import type { Totals } from '../../model/limit-profile.ts';

/** What an instance takes of a connection's totals. */
export interface Demand {
  instanceId: string;
  vcpus: number;
  gpus: number;
  memoryGb: number;
  /** A record that polls count stands for it already: of the totals it takes nothing more. */
  isCounted?: boolean | undefined;
}

/** What a site's instances have together. */
export interface SiteUsage extends Record<keyof Totals, number> {
  /** When the records that this is the sum of were read. */
  seenAtMs: number;
}

/** A launch that no poll has seen since it was let out: since when, in ms, its vCPUs, GPUs and memory. */
export type Reservation = [sinceMs: number, vcpus: number, gpus: number, memoryGb: number];

export type BudgetState = {
  /** What was taken in the last 60 seconds, a line for each second of it: when the last of them was, and how many. */
  minute: [atMs: number, count: number][];
  day: { date: string; taken: number };
  /** By location, as a poll saw it. */
  usage: Record<string, SiteUsage>;
  /** By location and instance id. */
  reserved: Record<string, Record<string, Reservation>>;
};

export const UNTOUCHED_BUDGET: BudgetState = {
  minute: [],
  day: { date: '', taken: 0 },
  usage: {},
  reserved: {},
};

/** Within this a launch has its record, and a poll has seen that; else it was never made. */
export const RESERVATION_MS = 3 * 60_000;
/** What no poll has confirmed for this long is of a site that has none any more. */
const USAGE_KEPT_MS = 30 * 60_000;
export const MINUTE_MS = 60_000;

export const TOTALS = ['instances', 'vcpus', 'gpus', 'memoryGb'] as const satisfies (keyof Totals)[];

export function reservedIds({ reserved }: BudgetState): Set<string> {
  return new Set(Object.values(reserved).flatMap((there) => Object.keys(there)));
}

/** A copy without what is over. */
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

/** What is there and what is about to be. */
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
