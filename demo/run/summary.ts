import { table } from '../../cli/shell/table.ts';
import type { Fleet } from '../../functions/model/fleet.ts';
import type { RunBooks } from './books.ts';

/**
 * One cloud's row in the table of the demo. `throttled` is null for a cloud that keeps no record of its
 * calls.
 */
export interface CloudRow {
  cloud: string;
  locations: number;
  requested: number;
  running: number;
  failed: number;
  /**
   * Median of the seconds from the acceptance of the fleet until an instance ran, by the cloud's own record;
   * null if no instance ran.
   */
  p50Seconds: number | null;
  p95Seconds: number | null;
  throttled: number | null;
}

/**
 * Returns the outcomes of each simulated cloud's instances, over all fleets.
 *
 * @param outside connections to clouds that are not simulated, whose instances are not in the books (the simulated
 *   clouds' record)
 */
export function summarize(
  fleets: readonly Fleet[],
  books: RunBooks,
  outside: readonly string[] = [],
): CloudRow[] {
  const acceptedMs = new Map(fleets.map(({ id, createdAt }) => [id, Date.parse(createdAt)]));
  const sites = fleets
    .flatMap(({ byLocation }) => byLocation)
    .filter(({ counts, connection }) => counts.requested > 0 && !outside.includes(connection));
  const instances = books.instances();
  return [...Map.groupBy(sites, ({ cloud }) => cloud)]
    .map(([cloud, ofCloud]) => {
      const seconds = instances
        .filter((one) => one.cloud === cloud && one.runningAt !== undefined)
        .flatMap(({ tags, runningAt }) => {
          const fromMs = acceptedMs.get(tags['fleetwright:instance']?.slice(0, 17) ?? '');
          return fromMs === undefined || runningAt === undefined
            ? []
            : [(Date.parse(runningAt) - fromMs) / 1_000];
        })
        .sort((a, b) => a - b);
      const count = (status: 'requested' | 'Running' | 'Failed') =>
        ofCloud.reduce((sum, { counts }) => sum + (counts[status] ?? 0), 0);
      return {
        cloud,
        locations: new Set(ofCloud.map(({ location }) => location)).size,
        requested: count('requested'),
        running: count('Running'),
        failed: count('Failed'),
        p50Seconds: quantile(seconds, 0.5),
        p95Seconds: quantile(seconds, 0.95),
        throttled: books.throttled(cloud),
      };
    })
    .sort((a, b) => b.requested - a.requested);
}

/** Returns a quantile by the nearest-rank method, of values in ascending order. */
export function quantile(ascending: readonly number[], q: number): number | null {
  return ascending[Math.max(0, Math.ceil(q * ascending.length) - 1)] ?? null;
}

export function summaryText(rows: readonly CloudRow[]): string {
  const seconds = (value: number | null) => (value === null ? null : Number(value.toFixed(1)));
  const sum = (pick: (row: CloudRow) => number | null) =>
    rows.reduce((total, row) => total + (pick(row) ?? 0), 0);
  return table(
    ['cloud', 'locations', 'asked', 'running', 'failed', 'p50 s', 'p95 s', 'throttled'],
    [
      ...rows.map((row) => [
        row.cloud,
        row.locations,
        row.requested,
        row.running,
        row.failed,
        seconds(row.p50Seconds),
        seconds(row.p95Seconds),
        row.throttled,
      ]),
      [
        'all',
        sum((row) => row.locations),
        sum((row) => row.requested),
        sum((row) => row.running),
        sum((row) => row.failed),
        null,
        null,
        sum((row) => row.throttled),
      ],
    ],
  );
}
