import type { Fleet } from '../../functions/model/fleet.ts';
import type { FailurePolicy, FleetRequest } from '../../functions/model/fleet-request.ts';
import type { FleetStatus } from '../../functions/model/status.ts';
import type { RunBooks } from './books.ts';
import { sizeOf } from './fleet-files.ts';
import type { Provisioned, Removed } from './provision.ts';

/** The JSON line that `--json` prints. */
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
  /** The outcome of each fleet. Present with `--policy` or `--faults`. */
  fleetOutcomes?: FleetOutcome[];
}

export interface FleetOutcome {
  fleet: string;
  status: FleetStatus;
  requested: number;
  peakRunning: number;
  running: number;
}

/** The statuses in which a fleet may end under each policy. */
const ENDS: Readonly<Record<FailurePolicy, readonly FleetStatus[]>> = {
  continue: ['Running', 'PartiallyRunning', 'Failed'],
  rollback: ['Running', 'RolledBack'],
  refine: ['Running', 'Failed'],
};

export interface Report {
  line: ReportLine;
  /**
   * True if the fleets ended as requested (or as their policy allows), no machine leaked or was created
   * twice, and nothing was left after the deletion.
   */
  asAsked: boolean;
}

/**
 * @param removed result of the deletion; absent: the fleets were kept
 * @param trial true if the run has faults or a failure policy. A fleet then has to end as its policy allows
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
    // The clouds are counted by connection, because the simulated AWS and an outside AWS are two clouds.
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
