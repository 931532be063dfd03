import type { Client } from '../../client/index.ts';
import type { AwsAccount } from '../shell/aws-calls.ts';
import type { Context } from '../shell/context.ts';
import type { DeploymentTables, Ending, EndingStep } from '../shell/direct-tables.ts';
import { CliError, EXIT } from '../shell/exit.ts';
import type { Deployment } from './find-deployment.ts';

/** What the steps of a removal use. */
export interface Run {
  context: Context;
  account: AwsAccount;
  deployment: Deployment;
  tables: DeploymentTables;
  /** Opens the API with a key of this command's own. */
  api(): Promise<Client>;
  ending: Ending;
  /** When the command stops to wait for fleets and clouds, in ms since 1970. */
  deadlineMs: number;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
}

/** Something that keeps a step from its end. */
export interface Blocker {
  namespace: string;
  connection: string;
  location?: string;
  fleet?: string;
  message: string;
}

/**
 * What a step did, or would do. `skipped`: an earlier run has done the step, or `--forget` leaves it out. `stopped`:
 * the command does not go on; `whatToDo` says how it can.
 */
export interface StepReport {
  step: EndingStep;
  status: 'planned' | 'done' | 'skipped' | 'stopped';
  counts: Record<string, number>;
  found: string;
  whatToDo: string;
  blockers: Blocker[];
}

export const done = (step: EndingStep, found: string, counts: StepReport['counts'] = {}): StepReport => ({
  step,
  status: 'done',
  counts,
  found,
  whatToDo: '',
  blockers: [],
});

export const skipped = (step: EndingStep, found: string): StepReport => ({
  ...done(step, found),
  status: 'skipped',
});

export const stopped = (
  step: EndingStep,
  found: string,
  whatToDo: string,
  blockers: Blocker[] = [],
  counts: StepReport['counts'] = {},
): StepReport => ({ step, status: 'stopped', counts, found, whatToDo, blockers });

/** Writes that a step begins. @throws CliError if the removal was cancelled, here or by another command */
export async function enter({ tables, ending, deployment }: Run, step: EndingStep): Promise<void> {
  if (await tables.enterStep(ending.endingId, step)) return;
  throw new CliError(
    EXIT.otherwise,
    'cancelled',
    `the removal of ${deployment.name} was cancelled by another command`,
    'The deployment accepts fleets again. Fleets that were deleted stay deleted.',
  );
}

/**
 * Waits before the next look.
 *
 * @throws CliError if the user has pressed Ctrl-C, or if the removal was cancelled
 */
export async function pauseIn(run: Run, step: EndingStep, ms: number): Promise<void> {
  const { context, signal, deployment } = run;
  await context.world.sleep(ms, signal);
  if (signal.aborted) throw interrupted(deployment.name);
  await enter(run, step);
}

export const interrupted = (name: string): CliError =>
  new CliError(
    EXIT.interrupted,
    'interrupted',
    `the removal of ${name} is not finished; what was requested goes on`,
    'Run the same command again to go on, or with --cancel to let the deployment accept fleets again.',
  );

export const many = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
