import { describe, expect, it } from 'vitest';
import type { TestOutcome } from '../../../.ci/report.ts';
import type { StepRun } from '../../../.ci/step.ts';
import { filesToRunAgain, judge, stepTable } from '../../../.ci/verdict.ts';

const outcome = (title: string, isPassed: boolean): TestOutcome => ({
  file: `test/${title}.test.ts`,
  title,
  isPassed,
  message: isPassed ? '' : 'expected 1 to be 2',
});
const run = (name: string, isPassed: boolean, tests: TestOutcome[] = []): StepRun => ({
  step: { name, command: ['true'], hasReport: tests.length > 0 },
  seconds: 12.4,
  isPassed,
  tests,
});

describe('the verdict of a CI run', () => {
  it('a step whose tests all pass has no failures', () => {
    const verdict = judge([{ first: run('test', true, [outcome('a', true), outcome('b', true)]) }]);
    expect(verdict).toEqual({ passed: 2, failures: [], flaky: [] });
  });

  it('a test that fails in the first run and passes in the second run is flaky and counts as passed', () => {
    const first = run('test', false, [outcome('a', true), outcome('b', false)]);
    const second = run('test', true, [outcome('b', true)]);
    expect(filesToRunAgain(first)).toEqual(['test/b.test.ts']);
    expect(judge([{ first, second }])).toEqual({ passed: 2, failures: [], flaky: ['test/b.test.ts: b'] });
  });

  it('a test that fails twice is a failure, with its message', () => {
    const first = run('test', false, [outcome('a', true), outcome('b', false)]);
    const second = run('test', false, [outcome('b', false)]);
    expect(judge([{ first, second }])).toEqual({
      passed: 1,
      failures: ['test/b.test.ts: b\nexpected 1 to be 2'],
      flaky: [],
    });
  });

  it('a test that fails in the first run and is missing in the second run is a failure', () => {
    const first = run('test', false, [outcome('b', false)]);
    expect(judge([{ first, second: run('test', false) }]).failures).toHaveLength(1);
  });

  it('a step that fails in both runs is a failure even if no test failed, for instance if its set-up failed', () => {
    const first = run('test', false, [outcome('a', true)]);
    expect(judge([{ first, second: run('test', false) }]).failures).toEqual(['the step test']);
    expect(judge([{ first: run('demo', false), second: run('demo', false) }]).failures).toEqual([
      'the step demo',
    ]);
  });

  it('a step that fails in the first run and passes in the second run is flaky', () => {
    const verdict = judge([{ first: run('demo', false), second: run('demo', true) }]);
    expect(verdict).toEqual({ passed: 0, failures: [], flaky: ['the step demo'] });
  });

  it('stepTable lists the runs of all steps with their seconds, and the total time', () => {
    const steps = [{ first: run('check', true) }, { first: run('demo', false), second: run('demo', true) }];
    expect(stepTable(steps, 37.2)).toBe(
      [
        'step         seconds  result',
        'check             12  passed',
        'demo              12  failed',
        'demo, again       12  passed',
        'in all            37',
      ].join('\n'),
    );
  });
});
