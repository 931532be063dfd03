import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createWriteStream, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { LocalFailure } from './failure.ts';
import { PROJECT } from './home.ts';
import { tail } from './processes.ts';

const STACK = 'Fleetwright-local';
const SOURCES = ['functions/**/*', 'infra/**/*', 'state-machines/**/*', 'package-lock.json', 'cdk.json'];

/** Of everything that the deployed stack is made from. */
export function sourcesHash(): string {
  const hash = createHash('sha256');
  const files = SOURCES.flatMap((pattern) => globSync(pattern, { cwd: PROJECT, withFileTypes: true }));
  const paths = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
  for (const path of paths.toSorted()) hash.update(path.slice(PROJECT.length)).update(readFileSync(path));
  return hash.digest('hex');
}

/** The environment in which AWS means the engine at `engineUrl`, whatever the user's own AWS settings are. */
export function engineEnv(
  home: string,
  engineUrl: string,
  env: Record<string, string | undefined>,
): Record<string, string | undefined> {
  const empty = join(home, 'no-aws-settings');
  writeFileSync(empty, '');
  const { AWS_PROFILE: _profile, AWS_SESSION_TOKEN: _token, ...rest } = env;
  return {
    ...rest,
    PATH: `${join(PROJECT, 'node_modules', '.bin')}:${env['PATH'] ?? ''}`,
    AWS_ENDPOINT_URL: engineUrl,
    AWS_ENDPOINT_URL_S3: engineUrl,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: empty,
    AWS_SHARED_CREDENTIALS_FILE: empty,
    CDK_DISABLE_CLI_TELEMETRY: 'true',
    // CDK's own template validation costs a second each time; `npm run synth` does it.
    CDK_VALIDATION: 'false',
  };
}

/** Deploys the CDK app's local stage into the engine. @returns the stack's outputs */
export async function deploy(
  home: string,
  engineUrl: string,
  env: Record<string, string | undefined>,
): Promise<Record<string, string>> {
  const aws = engineEnv(home, engineUrl, env);
  const outputsFile = join(home, 'outputs.json');
  const common = ['--context', 'stage=local', '--output', join(home, 'cdk.out')];
  await cdk(home, aws, ['bootstrap', 'aws://000000000000/us-east-1', ...common]);
  await cdk(home, aws, [
    'deploy',
    STACK,
    ...common,
    '--method=direct',
    '--require-approval=never',
    '--outputs-file',
    outputsFile,
  ]);
  const outputs = z.record(z.string(), z.record(z.string(), z.string()));
  const ours = outputs.parse(JSON.parse(readFileSync(outputsFile, 'utf8')))[STACK];
  if (!ours)
    throw new LocalFailure(`the deployment of ${STACK} told no outputs`, `See ${join(home, 'cdk.log')}.`);
  return ours;
}

async function cdk(home: string, env: Record<string, string | undefined>, args: string[]): Promise<void> {
  const logFile = join(home, 'cdk.log');
  const log = createWriteStream(logFile, { flags: 'a' });
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  const child = spawn('cdk', args, { cwd: PROJECT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  child.once('error', reject);
  child.once('close', resolve);
  const code = await promise;
  await new Promise<void>((done) => log.end(() => done()));
  if (code === 0) return;
  throw new LocalFailure(`cdk ${args[0]} failed:\n${tail(logFile)}`, `See ${logFile}.`);
}
