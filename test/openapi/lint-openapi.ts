import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const DOCUMENT = 'docs/openapi.json';
const MODULES = 'node_modules';

/** Commands that check the OpenAPI document. Each ends with another exit code than 0 for an error or a warning. */
const LINTERS: readonly (readonly string[])[] = [
  [
    `${MODULES}/@stoplight/spectral-cli/dist/index.js`,
    'lint',
    DOCUMENT,
    '--ruleset=test/openapi/spectral.yaml',
    '--fail-severity=warn',
    '--quiet',
  ],
  [
    `${MODULES}/@redocly/cli/bin/cli.js`,
    'lint',
    DOCUMENT,
    '--config=test/openapi/redocly.yaml',
    '--max-problems=100',
    '--format=json',
  ],
];

/** Redocly ends with 0 if it has only warnings. */
const WARNINGS = /"warnings":\s*[1-9]/;

for (const command of LINTERS) {
  const { status, stdout, stderr } = spawnSync(process.execPath, command, {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
  });
  if (status === 0 && !WARNINGS.test(stdout)) continue;
  process.stderr.write(`${command[0]}:\n${stdout}${stderr}\n`);
  process.exitCode = 1;
}
