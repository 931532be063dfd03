import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { STAGE_NAMES } from '../../infra/settings/config.ts';
import {
  findPythons,
  installPython,
  type PythonProgram,
  pythonEnvironment,
} from '../../local/engine/python.ts';
import { StateFolder } from '../../local/state/folder.ts';
import { StartFailure } from '../../local/state/start-failure.ts';
import { runCommand } from '../../local/system/run-command.ts';
import { rawTemplateOf } from './synthesized.ts';

const CFN_LINT: PythonProgram = {
  title: 'cfn-lint, which checks CloudFormation templates',
  distribution: 'cfn-lint',
  version: '1.58.0',
  requirements: join(import.meta.dirname, 'cfn-lint-requirements.txt'),
};

/**
 * Python code that runs cfn-lint. The package has no `__main__` for `python -m`, and the Python environment
 * may have no folder `bin` with the command.
 */
const RUN = 'import sys; from cfnlint.runner import main; sys.exit(main())';

/**
 * W3005: CDK writes `DependsOn` even if a reference already enforces the order. CloudFormation accepts that,
 * and CDK has no setting to prevent it.
 */
const IGNORED_CHECKS = ['W3005'];

/**
 * A region of each partition that the templates support, and the second one of China and GovCloud. cfn-lint reports
 * resources and properties that a region does not have.
 */
const REGIONS = ['us-east-1', 'cn-north-1', 'cn-northwest-1', 'us-gov-west-1', 'us-gov-east-1'];

/** The templates of all stages, and one template with all context options that change resources. */
const TEMPLATES: Readonly<Record<string, () => object>> = {
  ...Object.fromEntries(STAGE_NAMES.map((stage) => [stage, () => rawTemplateOf(stage)])),
  'production-with-options': () => rawTemplateOf('production', { drivers: 'sim', tracing: 'true' }),
  'dev-without-alarms': () => rawTemplateOf('dev', { alarms: 'none' }),
};

/**
 * Runs cfn-lint on the templates of all stages. cfn-lint checks templates against CloudFormation's schemas.
 * It finds invalid properties that CDK accepts.
 *
 * @returns the findings of cfn-lint, or an empty text if there are no findings
 * @throws StartFailure when cfn-lint cannot be installed or does not run
 */
async function lintTemplates(): Promise<string> {
  const pythons = await findPythons();
  if (pythons.length === 0) {
    throw new StartFailure(
      'cfn-lint needs Python 3.10 or later',
      'Install it, for instance the package python3.',
    );
  }
  const installed = await installPython(new StateFolder(), CFN_LINT, pythons);
  const folder = mkdtempSync(join(tmpdir(), 'fleetwright-templates-'));
  try {
    const files = Object.entries(TEMPLATES).map(([name, make]) => {
      const file = join(folder, `${name}.template.json`);
      writeFileSync(file, JSON.stringify(make(), null, 2));
      return file;
    });
    const options = ['--ignore-checks', ...IGNORED_CHECKS, '--regions', ...REGIONS, '--'];
    const { code, stdout, stderr } = await runCommand(installed.python, ['-c', RUN, ...options, ...files], {
      env: pythonEnvironment(installed),
    });
    if (code === 0) return '';
    // cfn-lint exits with 1 if it cannot work, and with 2 or more if it has findings.
    if (code === null || code === 1)
      throw new StartFailure(`cfn-lint did not run:\n${stderr}`, 'See its message.');
    return stdout.replaceAll(`${folder}/`, '');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  const findings = await lintTemplates();
  process.stdout.write(findings);
  process.exitCode = findings === '' ? 0 : 1;
} catch (error) {
  if (!(error instanceof StartFailure)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 3;
}
