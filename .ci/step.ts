import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { readReport, type TestOutcome } from './report.ts';

/** Placeholder in a step's command for the path of vitest's JSON report. */
const REPORT_PATH = '{report}';
export const REPORT: readonly string[] = [
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${REPORT_PATH}`,
];

export interface Step {
  readonly name: string;
  readonly command: readonly string[];
  /** True if the command runs vitest with `REPORT`. Single test files can then be run again. */
  readonly hasReport: boolean;
}

export interface StepRun {
  readonly step: Step;
  readonly seconds: number;
  readonly isPassed: boolean;
  /** Test results. Empty for a step without a report, and if vitest ended before it wrote the report. */
  readonly tests: readonly TestOutcome[];
}

export interface RunOptions {
  /** Path of the report that vitest writes. */
  readonly report: string;
  /** Path of a file for the output. Absent: the output goes to standard error. */
  readonly log?: string;
  /** The test files to run, for a step with a report. Absent: all. */
  readonly files?: readonly string[];
}

/** Runs a step's command to its end. A command that cannot be started counts as failed. */
export async function runStep(step: Step, { report, log, files = [] }: RunOptions): Promise<StepRun> {
  const startedMs = performance.now();
  const [program = '', ...args] = step.command.map((part) => part.replace(REPORT_PATH, report));
  const output = log === undefined ? undefined : createWriteStream(log, { flags: 'a' });
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const child = spawn(program, [...args, ...files], { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) stream.pipe(output ?? process.stderr, { end: false });
  child.on('error', (error) => {
    process.stderr.write(`${step.name}: ${error.message}\n`);
    resolve(false);
  });
  child.on('close', (code) => resolve(code === 0));
  const isPassed = await promise;
  if (output) await finished(output.end());
  const seconds = (performance.now() - startedMs) / 1_000;
  return { step, seconds, isPassed, tests: step.hasReport ? readReport(report) : [] };
}
