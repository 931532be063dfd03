import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { runStep, type Step, type StepRun } from './step.ts';
import { CHANGE, NIGHTLY, PARTS_OF_TEST, type Stage } from './steps.ts';
import { filesToRunAgain, judge, stepTable, type TriedStep } from './verdict.ts';

const folder = mkdtempSync(join(tmpdir(), 'fleetwright-ci-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const fileOf = (step: Step, ending: string) => join(folder, `${step.name.replaceAll(' ', '-')}${ending}`);
const say = (text: string) => process.stderr.write(`${text}\n`);
const tell = (text: string) => process.stdout.write(`${text}\n`);

/**
 * Selects which output of its steps a lane shows. A lane is a list of steps that run one after the other. `live`: all
 * output, while a step runs. `afterwards`: all output, after a step has ended. `failed`: only the output of failed
 * steps, after they have ended.
 */
type Output = 'live' | 'afterwards' | 'failed';

/** Runs the lanes of a stage concurrently. */
async function runStage(lanes: Stage, outputOf: (lane: number) => Output): Promise<StepRun[]> {
  const runs = await Promise.all(lanes.map((lane, at) => runLane(lane, outputOf(at))));
  return runs.flat();
}

async function runLane(lane: readonly Step[], output: Output): Promise<StepRun[]> {
  const runs: StepRun[] = [];
  for (const step of lane) {
    const log = fileOf(step, '.log');
    if (output === 'failed') say(`${step.name}: running, with its output in ${log}`);
    else say(`== ${step.name}`);
    const run = await runStep(step, { report: fileOf(step, '.json'), ...(output === 'live' ? {} : { log }) });
    runs.push(run);
    if (output === 'afterwards' || (output === 'failed' && !run.isPassed)) say(readFileSync(log, 'utf8'));
    tell(`${step.name}: ${run.isPassed ? 'passed' : 'FAILED'} after ${run.seconds.toFixed(0)} s`);
  }
  return runs;
}

/**
 * Runs a failed step, or its failed test files, once more while no other step runs. A random failure must not
 * fail the whole run.
 */
async function runAgain(first: StepRun): Promise<TriedStep> {
  if (first.isPassed) return { first };
  const files = filesToRunAgain(first).map((file) => relative(process.cwd(), file));
  say(`== again, alone: ${first.step.name} ${files.join(' ')}`);
  return { first, second: await runStep(first.step, { report: fileOf(first.step, '.again.json'), files }) };
}

const { values: flags } = parseArgs({
  options: {
    nightly: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    verbose: { type: 'boolean', default: false },
  },
});
const change = flags.only ? [...CHANGE, ...PARTS_OF_TEST.map((lane) => [lane])] : CHANGE;
const all = flags.nightly ? NIGHTLY : change;
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
// A nightly run takes hours. Without `--verbose`, it shows the output of failed suites only.
const outputOf = (lane: number): Output => {
  if (flags.nightly && !flags.verbose) return 'failed';
  return lane === 0 ? 'live' : 'afterwards';
};
for (const stage of stages) runs.push(...(await runStage(stage, outputOf)));
for (const run of runs) steps.push(await runAgain(run));

const { passed, failures, flaky } = judge(steps);
for (const failure of failures) say(`FAILED ${failure}`);
for (const name of flaky) say(`FLAKY: ${name}`);
say(stepTable(steps, (performance.now() - startedMs) / 1_000));
tell(`${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length === 0 ? 0 : 1;
