import type { Report, ReportLine } from '../run/report.ts';
import type { OutsideRow } from './measure.ts';

/** The line of `--json` of a run with `--clouds`. */
export interface OutsideReportLine extends ReportLine {
  /**
   * One row for each outside (not simulated) cloud. The line's `throttled` and `calls` count only calls to
   * the simulated clouds.
   */
  outside: OutsideRow[];
}

/**
 * Adds the outside clouds to a run's report. The makespan includes the instances at outside clouds. The ideal
 * time does not, because the limits of outside clouds are not known.
 */
export function withOutside(
  { line, asAsked }: Report,
  rows: readonly OutsideRow[],
): { line: OutsideReportLine; asAsked: boolean } {
  const sum = (pick: (row: OutsideRow) => number) => rows.reduce((total, row) => total + pick(row), 0);
  const left = sum(({ remainingAfterDelete }) => remainingAfterDelete ?? 0);
  const leaked = sum((row) => row.leaked);
  const outside = rows.map((row) => ({
    ...row,
    p50Seconds: rounded(row.p50Seconds),
    p95Seconds: rounded(row.p95Seconds),
    makespanSeconds: rounded(row.makespanSeconds),
  }));
  return {
    line: {
      ...line,
      leaked: line.leaked + leaked,
      duplicated: line.duplicated + sum(({ duplicated }) => duplicated),
      makespanSeconds: Math.max(line.makespanSeconds, ...outside.map((row) => row.makespanSeconds ?? 0)),
      remainingAfterDelete: line.remainingAfterDelete === null ? null : line.remainingAfterDelete + left,
      outside,
    },
    asAsked: asAsked && leaked === 0 && left === 0,
  };
}

function rounded<Value extends number | null>(value: Value): number | null {
  return value === null ? null : Number(value.toFixed(2));
}
