import type { Fleet } from '../../functions/model/fleet.ts';
import type { FailurePolicy, FleetRequest } from '../../functions/model/fleet-request.ts';
import type { FleetStatus } from '../../functions/model/status.ts';
import type { RunBooks } from './books.ts';
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
  /** Under `--policy` or `--faults`: what came of each fleet. */
  fleetOutcomes?: FleetOutcome[];
}

export interface FleetOutcome {
  fleet: string;
  status: FleetStatus;
  requested: number;
  peakRunning: number;
  running: number;
}

/** How a fleet may end under each policy. */
const ENDS: Readonly<Record<FailurePolicy, readonly FleetStatus[]>> = {
  continue: ['Running', 'PartiallyRunning', 'Failed'],
  rollback: ['Running', 'RolledBack'],
  refine: ['Running', 'Failed'],
};

export interface Report {
  line: ReportLine;
  /** Everything asked runs, once, and nothing else exists or is left. */
  asAsked: boolean;
}

/**
 * @param removed absent: the fleets were kept
 * @param trial whether faults or a failure policy were asked for: then fleets are to end as their policy says
 */
export function reportOf(
  requests: readonly FleetRequest[],
  { fleets, books, startedAt, leaked }: Provisioned,
  removed: Removed | undefined,
  trial = false,
): Report {
  const sites = fleets.flatMap(({ byLocation }) => byLocation).filter(({ counts }) => counts.requested > 0);
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
    // One connection to each: EC2 itself and the simulated one are two clouds.
    clouds: distinct(sites.map(({ connection }) => connection)),
    locations: distinct(sites.map(({ connection, location }) => `${connection} ${location}`)),
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
    ...(trial ? { fleetOutcomes: fleets.map((fleet) => outcomeOf(fleet, whole)) } : {}),
  };
  const ended = trial
    ? fleets.length === requests.length && fleets.every(endedByPolicy)
    : line.running === line.requested;
  const asAsked =
    ended && line.leaked === 0 && line.duplicated === 0 && (line.remainingAfterDelete ?? 0) === 0;
  return { line, asAsked };
}

function outcomeOf({ id, name, status, counts }: Fleet, books: RunBooks): FleetOutcome {
  return {
    fleet: name,
    status,
    requested: counts.requested,
    peakRunning: books.peakRunning(id),
    running: counts.Running ?? 0,
  };
}

function endedByPolicy({ failurePolicy, status, counts }: Fleet): boolean {
  if (!ENDS[failurePolicy].includes(status)) return false;
  return status !== 'RolledBack' || (counts.Running ?? 0) === 0;
}

const rounded = (value: number): number => Number(value.toFixed(2));
