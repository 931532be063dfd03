import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { runStep, type Step, type StepRun } from './step.ts';
import { CHANGE, NIGHTLY, type Stage } from './steps.ts';
import { filesToRunAgain, judge, stepTable, type TriedStep } from './verdict.ts';

const folder = mkdtempSync(join(tmpdir(), 'fleetwright-ci-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const fileOf = (step: Step, ending: string) => join(folder, `${step.name.replaceAll(' ', '-')}${ending}`);
const say = (text: string) => process.stderr.write(`${text}\n`);

/**
 * Runs the lanes of a stage. The first lane shows its output while it runs, the others when they have ended.
 */
async function runStage(lanes: Stage): Promise<StepRun[]> {
  const runs = await Promise.all(lanes.map((lane, at) => runLane(lane, at === 0)));
  return runs.flat();
}

async function runLane(lane: readonly Step[], isShown: boolean): Promise<StepRun[]> {
  const runs: StepRun[] = [];
  for (const step of lane) {
    say(`== ${step.name}`);
    const log = fileOf(step, '.log');
    const run = await runStep(step, { report: fileOf(step, '.json'), ...(isShown ? {} : { log }) });
    runs.push(run);
    if (!isShown) say(readFileSync(log, 'utf8'));
    say(`== ${run.isPassed ? 'passed' : 'FAILED'} after ${run.seconds.toFixed(0)} s: ${step.name}`);
  }
  return runs;
}

/**
 * Runs a failed step, or its failed test files, once more without other steps: a random failure must not fail
 * the whole run.
 */
async function runAgain(first: StepRun): Promise<TriedStep> {
  if (first.isPassed) return { first };
  const files = filesToRunAgain(first).map((file) => relative(process.cwd(), file));
  say(`== again, alone: ${first.step.name} ${files.join(' ')}`);
  return { first, second: await runStep(first.step, { report: fileOf(first.step, '.again.json'), files }) };
}

const { values: flags } = parseArgs({
  options: { nightly: { type: 'boolean', default: false }, only: { type: 'string', multiple: true } },
});
const all = flags.nightly ? NIGHTLY : CHANGE;
const names = all.flat(2).map(({ name }) => name);
const unknown = flags.only?.filter((name) => !names.includes(name)) ?? [];
if (unknown.length > 0) {
  say(`no step "${unknown.join('", "')}"; the steps of this list are "${names.join('", "')}"`);
  process.exit(2);
}
const isWanted = ({ name }: Step) => flags.only?.includes(name) ?? true;
const stages = all.map((lanes) => lanes.map((lane) => lane.filter(isWanted)));

const startedMs = performance.now();
const steps: TriedStep[] = [];
const runs: StepRun[] = [];
for (const stage of stages) runs.push(...(await runStage(stage)));
for (const run of runs) steps.push(await runAgain(run));

const { passed, failures, flaky } = judge(steps);
for (const failure of failures) say(`FAILED ${failure}`);
for (const name of flaky) say(`FLAKY: ${name}`);
say(stepTable(steps, (performance.now() - startedMs) / 1_000));
process.stdout.write(`${passed} passed, ${failures.length} failed\n`);
process.exitCode = failures.length === 0 ? 0 : 1;
