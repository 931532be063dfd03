import * as z from 'zod';
import { table } from '../../cli/shell/table.ts';
import type { RunResult } from '../ideal/from-books.ts';
import { type BootCase, CASE_NAMES, type CaseName } from './cases.ts';
import { QUICK_DRIVERS } from './quick-cloud.ts';

const seconds = z.number().nonnegative();

const caseSchema = z.strictObject({
  instances: z.int().positive(),
  locations: z.int().positive(),
  /** Number of running instances, by the cloud's own record. */
  running: z.int().nonnegative(),
  /** Time from the request until the last instance ran, by the cloud's own record. */
  seconds,
  /** Time that a scheduler without overhead would need under the connection's limits. */
  idealSeconds: seconds,
  ratio: z.number().nonnegative().nullable(),
});
export type CaseResult = z.output<typeof caseSchema>;

export const quickBootsSchema = z.strictObject({
  driver: z.enum(QUICK_DRIVERS),
  bootSeconds: seconds,
  slots: z.int().positive(),
  createsPerSecond: z.number().positive(),
  firstFleet: caseSchema,
  twenty: caseSchema,
  oneLocation: caseSchema,
  eightLocations: caseSchema,
  /** Number of machines and network resources at the cloud after the deletion of all fleets. */
  remaining: z.int().nonnegative(),
});
export type QuickBoots = z.output<typeof quickBootsSchema>;

const TITLES: Readonly<Record<CaseName, string>> = {
  firstFleet: 'first fleet, one location',
  twenty: 'one location',
  oneLocation: 'one location',
  eightLocations: 'eight locations',
};

export function resultOf(
  { instances, locations }: Pick<BootCase, 'instances' | 'locations'>,
  run: Pick<RunResult, 'instances' | 'makespanSeconds' | 'idealSeconds' | 'ratio'>,
): CaseResult {
  return {
    instances,
    locations,
    running: run.instances,
    seconds: rounded(run.makespanSeconds),
    idealSeconds: rounded(run.idealSeconds),
    ratio: run.ratio === null ? null : rounded(run.ratio),
  };
}

/** Returns true if all requested instances ran, and nothing is left. */
export function isAsAsked(measured: QuickBoots): boolean {
  const all = CASE_NAMES.every((name) => measured[name].running === measured[name].instances);
  return all && measured.remaining === 0;
}

export function quickBootsText(measured: QuickBoots): string {
  const { driver, bootSeconds, slots, createsPerSecond, remaining } = measured;
  const rows = CASE_NAMES.map((name) => {
    const { instances, running, seconds: took, idealSeconds, ratio } = measured[name];
    return [TITLES[name], instances, running, took, idealSeconds, ratio ?? undefined];
  });
  return (
    `driver ${driver}, boot ${bootSeconds} s, ${slots} slots and ${createsPerSecond} creates a second in a location\n\n` +
    `${table(['fleet', 'asked', 'running', 'seconds', 'ideal s', 'ratio'], rows)}\n` +
    `left at the cloud after deletion: ${remaining}\n`
  );
}

const rounded = (value: number): number => Number(value.toFixed(2));
