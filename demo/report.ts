import type { FleetRequest } from '../functions/model/fleet-request.ts';
import { sizeOf } from './fleet-files.ts';
import type { Provisioned, Removed } from './provision.ts';

/** The one line of `--json`. */
export interface ReportLine {
  fleets: number;
  clouds: number;
  locations: number;
  requested: number;
  running: number;
  failed: number;
  leaked: number;
  duplicated: number;
  throttled: number;
  calls: number;
  makespanSeconds: number;
  idealSeconds: number;
  ratio: number | null;
  remainingAfterDelete: number | null;
}

export interface Report {
  line: ReportLine;
  /** Everything asked runs, once, and nothing else exists or is left. */
  asAsked: boolean;
}

/** @param removed absent: the fleets were kept */
export function reportOf(
  requests: readonly FleetRequest[],
  { fleets, books, startedAt, leaked }: Provisioned,
  removed: Removed | undefined,
): Report {
  const places = fleets.flatMap(({ byLocation }) => byLocation).filter(({ counts }) => counts.requested > 0);
  const distinct = (names: readonly string[]) => new Set(names).size;
  const sum = (status: 'Running' | 'Failed') =>
    fleets.reduce((total, { counts }) => total + (counts[status] ?? 0), 0);
  const { makespanSeconds, idealSeconds, ratio } = books.schedule(
    startedAt,
    fleets.map(({ id }) => id),
  );
  const whole = removed?.books ?? books;
  const line: ReportLine = {
    fleets: requests.length,
    clouds: distinct(places.map(({ cloud }) => cloud)),
    locations: distinct(places.map(({ connection, location }) => `${connection} ${location}`)),
    requested: requests.reduce((total, request) => total + sizeOf(request), 0),
    running: sum('Running'),
    failed: sum('Failed'),
    leaked,
    duplicated: whole.duplicated().length,
    throttled: whole.throttled(),
    calls: whole.totalCalls(),
    makespanSeconds: rounded(makespanSeconds),
    idealSeconds: rounded(idealSeconds),
    ratio: ratio === null ? null : rounded(ratio),
    remainingAfterDelete: removed?.remaining ?? null,
  };
  const asAsked =
    line.running === line.requested &&
    line.leaked === 0 &&
    line.duplicated === 0 &&
    (line.remainingAfterDelete ?? 0) === 0;
  return { line, asAsked };
}

const rounded = (value: number): number => Number(value.toFixed(2));
