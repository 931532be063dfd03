import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { cleanEnvironment, LOCAL_ACCOUNT, LOCAL_REGION, localAwsVariables } from '../engine/environment.ts';
import { type CommandResult, lastLines, runCommand } from '../run-command.ts';
import { StartFailure } from '../start-failure.ts';
import { REPOSITORY, type StateFolder } from '../state/folder.ts';
import {
  type DeployedRecord,
  deployedRecordSchema,
  type Outputs,
  outputsSchema,
  RECORDS,
} from '../state/records.ts';
import { hashOfSources } from './sources.ts';

const STACK = 'Fleetwright-local';
const outputsFileSchema = z.object({ [STACK]: outputsSchema });

/**
 * Deploys the CDK app to the engine, unless these very sources are there already.
 *
 * @throws StartFailure when CDK fails
 */
export async function deploy(
  folder: StateFolder,
  { engineUrl, fresh }: { engineUrl: string; fresh: boolean },
): Promise<{ outputs: Outputs; changed: boolean }> {
  const sources = hashOfSources();
  const known = folder.read(RECORDS.deployed, deployedRecordSchema);
  if (known && !fresh && known.engineUrl === engineUrl && known.sources === sources) {
    return { outputs: known.outputs, changed: false };
  }
  const cdk = cdkRunner(folder, engineUrl);
  const assembly = folder.file('cdk.out');
  rmSync(folder.log('deploy'), { force: true });
  // Bootstrapping would synthesize, too, if it ran where cdk.json is; so it takes no longer than the synthesis.
  await Promise.all([
    cdk(['synth', '--quiet', '--context', 'stage=local', '--output', assembly], REPOSITORY),
    cdk(['bootstrap', `aws://${LOCAL_ACCOUNT}/${LOCAL_REGION}`], folder.path),
  ]);
  const outputsFile = folder.file('outputs.json');
  await cdk(
    [
      'deploy',
      STACK,
      '--app',
      assembly,
      '--method',
      'direct',
      '--require-approval',
      'never',
      '--outputs-file',
      outputsFile,
    ],
    folder.path,
  );
  const { [STACK]: outputs } = outputsFileSchema.parse(JSON.parse(readFileSync(outputsFile, 'utf8')));
  folder.write(RECORDS.deployed, { engineUrl, sources, outputs } satisfies DeployedRecord);
  return { outputs, changed: true };
}

function cdkRunner(folder: StateFolder, engineUrl: string) {
  const log = folder.log('deploy');
  const env = {
    ...cleanEnvironment(),
    ...localAwsVariables(engineUrl, folder),
    CI: 'true',
    CDK_DISABLE_CLI_TELEMETRY: 'true',
    // CDK's validation of the templates takes longer than all the rest; `npm run check` does it.
    CDK_VALIDATION: 'false',
  };
  const program = join(REPOSITORY, 'node_modules', 'aws-cdk', 'bin', 'cdk');
  writeFileSync(log, '');
  return async (args: readonly string[], cwd: string): Promise<void> => {
    const result = await runCommand(process.execPath, [program, ...args], { env, cwd });
    appendFileSync(log, `$ cdk ${args.join(' ')}\n${result.stdout}${result.stderr}\n`);
    if (result.code !== 0) throw deployFailure(args[0] ?? '', result, log);
  };
}

function deployFailure(what: string, { stdout, stderr }: CommandResult, log: string): StartFailure {
  const said = lastLines(stderr.trim() === '' ? stdout : stderr, 10).replaceAll(/^/gm, '  ');
  return new StartFailure(`cdk ${what} failed:\n${said}`, `All that it said is in ${log}.`);
}
