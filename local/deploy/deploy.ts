import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { environmentIn, LOCAL_ACCOUNT, LOCAL_REGION, localAwsVariables } from '../engine/environment.ts';
import { REPOSITORY, type StateFolder } from '../state/folder.ts';
import {
  type DeployedRecord,
  deployedRecordSchema,
  type EngineAccess,
  type Outputs,
  outputsSchema,
  RECORDS,
} from '../state/records.ts';
import { StartFailure } from '../state/start-failure.ts';
import { type CommandResult, lastLines, runCommand } from '../system/run-command.ts';
import { hashOfSources } from './sources.ts';

const STACK = 'Fleetwright-local';
const outputsFileSchema = z.object({ [STACK]: outputsSchema });

/**
 * Deploys the CDK app to the engine, unless the same sources are deployed there already.
 *
 * @throws StartFailure when CDK fails
 */
export async function deploy(
  folder: StateFolder,
  { engine, fresh }: { engine: EngineAccess; fresh: boolean },
): Promise<{ outputs: Outputs; changed: boolean }> {
  const { engineUrl } = engine;
  const sources = hashOfSources();
  const known = folder.read(RECORDS.deployed, deployedRecordSchema);
  if (known && !fresh && known.engineUrl === engineUrl && known.sources === sources) {
    return { outputs: known.outputs, changed: false };
  }
  const cdk = cdkRunner(folder, engine);
  const assembly = join(folder.temporary(), 'cdk.out');
  // Synthesis and bootstrap run concurrently. The bootstrap runs in a folder without cdk.json, because it would
  // otherwise synthesize the app, too.
  await Promise.all([
    cdk(['synth', '--quiet', '--context', 'stage=local', '--output', assembly], REPOSITORY),
    cdk(['bootstrap', `aws://${LOCAL_ACCOUNT}/${LOCAL_REGION}`], folder.path),
  ]);
  const outputsFile = join(folder.temporary(), 'outputs.json');
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
  rmSync(assembly, { force: true, recursive: true });
  folder.write(RECORDS.deployed, { engineUrl, sources, outputs } satisfies DeployedRecord);
  return { outputs, changed: true };
}

function cdkRunner(folder: StateFolder, engine: EngineAccess) {
  const log = folder.log('deploy');
  const env = {
    ...environmentIn(folder),
    ...localAwsVariables(engine, folder),
    CI: 'true',
    CDK_DISABLE_CLI_TELEMETRY: 'true',
    // CDK's validation of the templates takes longer than the rest of the synthesis. `npm run check` validates the
    // templates.
    CDK_VALIDATION: 'false',
  };
  const program = join(REPOSITORY, 'node_modules', 'aws-cdk', 'bin', 'cdk');
  writeFileSync(log, '', { mode: 0o600 });
  return async (args: readonly string[], cwd: string): Promise<void> => {
    const result = await runCommand(process.execPath, [program, ...args], { env, cwd });
    appendFileSync(log, `$ cdk ${args.join(' ')}\n${result.stdout}${result.stderr}\n`, { mode: 0o600 });
    if (result.code !== 0) throw deployFailure(args[0] ?? '', result, log);
  };
}

function deployFailure(what: string, { stdout, stderr }: CommandResult, log: string): StartFailure {
  const said = lastLines(stderr.trim() === '' ? stdout : stderr, 10).replaceAll(/^/gm, '  ');
  return new StartFailure(`cdk ${what} failed:\n${said}`, `Read the whole output of cdk in ${log}.`);
}
