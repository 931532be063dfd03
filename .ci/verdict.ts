import type { TestOutcome } from './report.ts';
import type { StepRun } from './step.ts';

/** A step's first run, and its second run if the first failed. */
export interface TriedStep {
  readonly first: StepRun;
  readonly second?: StepRun;
}

export interface Verdict {
  readonly passed: number;
  /** Tests that failed twice, and steps that failed twice although no test did. */
  readonly failures: readonly string[];
  /** Tests and steps that failed in the first run and passed in the second run, alone. */
  readonly flaky: readonly string[];
}

/** Returns the test files to run again. If there are none, the whole step has to run again. */
export function filesToRunAgain({ tests }: StepRun): string[] {
  return [...new Set(tests.filter(({ isPassed }) => !isPassed).map(({ file }) => file))];
}

/** Returns the verdict about the runs of all steps. Pure. */
export function judge(steps: readonly TriedStep[]): Verdict {
  const verdicts = steps.map(judgeStep);
  return {
    passed: verdicts.reduce((sum, { passed }) => sum + passed, 0),
    failures: verdicts.flatMap(({ failures }) => failures),
    flaky: verdicts.flatMap(({ flaky }) => flaky),
  };
}

function judgeStep({ first, second }: TriedStep): Verdict {
  const { name } = first.step;
  const again = new Map(second?.tests.map((one) => [keyOf(one), one]));
  const failed = first.tests.filter(({ isPassed }) => !isPassed);
  const isMended = (one: TestOutcome) => again.get(keyOf(one))?.isPassed === true;
  const failures = failed.filter((one) => !isMended(one)).map((one) => `${keyOf(one)}\n${one.message}`);
  const flaky = failed.filter(isMended).map(keyOf);
  const passed = first.tests.length - failures.length;
  if (first.isPassed) return { passed, failures, flaky };
  // The step failed without a failed test: the set-up failed, an error was not caught, or the program itself
  // failed.
  if (!second?.isPassed && failures.length === 0) failures.push(`the step ${name}`);
  if (second?.isPassed && failed.length === 0) flaky.push(`the step ${name}`);
  return { passed, failures, flaky };
}

const keyOf = ({ file, title }: TestOutcome): string => `${file}: ${title}`;

/** Returns a table of the steps with their durations in seconds. */
export function stepTable(steps: readonly TriedStep[], totalSeconds: number): string {
  const rows = [
    ['step', 'seconds', 'result'],
    ...steps.flatMap(({ first, second }) => [
      [first.step.name, first.seconds.toFixed(0), first.isPassed ? 'passed' : 'failed'],
      ...(second
        ? [[`${first.step.name}, again`, second.seconds.toFixed(0), second.isPassed ? 'passed' : 'failed']]
        : []),
    ]),
    ['in all', totalSeconds.toFixed(0), ''],
  ];
  const width = Math.max(...rows.map(([name = '']) => name.length));
  return rows
    .map(([name = '', seconds = '', result = '']) =>
      `${name.padEnd(width)}  ${seconds.padStart(7)}  ${result}`.trimEnd(),
    )
    .join('\n');
}
