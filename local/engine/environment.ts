import { writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { REPOSITORY, type StateFolder } from '../state/folder.ts';
import type { EngineAccess } from '../state/records.ts';

export const LOCAL_REGION = 'us-east-1';
export const LOCAL_ACCOUNT = '000000000000';

/**
 * Matches the user's variables that must not reach the engine or CDK. Such a variable may select a real account or
 * another port, or change how Node.js runs.
 */
const FOREIGN = /^(AWS_|CDK_|LOCALSTACK_|MINISTACK_|GATEWAY_PORT$|EDGE_PORT$|NODE_OPTIONS$|NODE_ENV$|VITEST)/;

/**
 * Returns this process's environment without the variables that `FOREIGN` matches. Its PATH begins with the
 * Node.js that npm installed in this repository.
 */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !FOREIGN.test(name));
  const path = [join(REPOSITORY, 'node_modules', '.bin'), process.env['PATH']]
    .filter(Boolean)
    .join(delimiter);
  return { ...Object.fromEntries(kept), PATH: path };
}

/** Returns the environment of programs that the local stack starts. Their temporary files are in the state folder. */
export function environmentIn(folder: StateFolder): NodeJS.ProcessEnv {
  const temporary = folder.temporary();
  return { ...cleanEnvironment(), TMPDIR: temporary, CDK_HOME: join(temporary, 'cdk-home') };
}

/** Returns variables that make the AWS SDK and CDK use only the local engine. */
export function localAwsVariables(
  { engineUrl, engineAccessKeyId, engineSecretAccessKey }: EngineAccess,
  folder: StateFolder,
): Record<string, string> {
  const empty = folder.file('aws-config');
  writeFileSync(empty, '', { mode: 0o600 });
  return {
    AWS_ENDPOINT_URL: engineUrl,
    AWS_ENDPOINT_URL_S3: engineUrl,
    AWS_ACCESS_KEY_ID: engineAccessKeyId,
    AWS_SECRET_ACCESS_KEY: engineSecretAccessKey,
    AWS_REGION: LOCAL_REGION,
    AWS_DEFAULT_REGION: LOCAL_REGION,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: empty,
    AWS_SHARED_CREDENTIALS_FILE: empty,
  };
}
