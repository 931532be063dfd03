import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { DescribeParametersCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import * as z from 'zod';
import { ApiProblem, type Client, createClient } from '../../client/index.ts';
import { ask } from '../../demo/run/ask-clouds.ts';
import { existing, readBooks } from '../../demo/run/books.ts';
import { cleanEnvironment, localAwsVariables } from '../../local/engine/environment.ts';
import { MINISTACK_VERSION } from '../../local/engine/python.ts';
import { engineSettings, type LocalStack } from '../../local/index.ts';
import { REPOSITORY, StateFolder } from '../../local/state/folder.ts';
import { localStackSchema } from '../../local/state/records.ts';
import { freePort } from '../../local/system/ports.ts';
import { group, request } from './deployed.ts';

const NAME = 'Fleetwright-local';
const namespace = 'default';
const home = mkdtempSync(join(tmpdir(), 'fleetwright-destroy-'));
const ENGINE = `ministack-${MINISTACK_VERSION}`;
const START_MS = 600_000;
const environment: NodeJS.ProcessEnv = { ...cleanEnvironment(), FLEETWRIGHT_HOME: home };
let stack: LocalStack;
let client: Client;

interface Ended {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

function start(args: readonly string[]): { child: ChildProcess; ended: Promise<Ended> } {
  const command = [join(REPOSITORY, 'cli/main.ts'), ...args, '--json'];
  const child = spawn(process.execPath, command, { env: environment, cwd: home });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = once(child, 'close').then(() => ({ exitCode: child.exitCode, stdout, stderr }));
  return { child, ended };
}

const stepSchema = z.looseObject({
  step: z.string(),
  status: z.string(),
  counts: z.record(z.string(), z.number()),
  blockers: z.array(z.looseObject({ connection: z.string() })),
});
const destroySchema = z.looseObject({ status: z.string(), ok: z.boolean(), steps: z.array(stepSchema) });

async function destroy(...flags: string[]) {
  const { exitCode, stdout, stderr } = await start(['deployment', 'destroy', '--stage', 'local', ...flags])
    .ended;
  const parsed = destroySchema.safeParse(JSON.parse(stdout));
  if (!parsed.success) throw new Error(`${exitCode}: ${stdout}${stderr}`);
  return { exitCode, document: parsed.data };
}

const isRunning = async (fleet: string) =>
  (await client.getFleet({ params: { namespace, fleet } })).status === 'Running';

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 300));
}

/** Machines that exist at a cloud by the cloud's own books. */
async function machinesAt(cloud: string): Promise<string[]> {
  const books = await readBooks(stack);
  const clouds = books.clouds.filter((one) => one.cloud === cloud);
  return existing({ ...books, clouds }).map(({ backendId }) => backendId);
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'accepted',
    (error: unknown) => (error instanceof ApiProblem ? error.code : String(error)),
  );

// A deployment that is destroyed cannot be shared, so this file starts an engine of its own.
beforeAll(async () => {
  symlinkSync(join(inject('stack').home, ENGINE), join(home, ENGINE));
  const port = await freePort(16_566);
  environment['FLEETWRIGHT_ENGINE_PORT'] = String(port);
  environment['FLEETWRIGHT_SIM_PORT'] = String(await freePort(port + 1));
  const { stdout, stderr, exitCode } = await start(['local', 'up']).ended;
  if (exitCode !== 0) throw new Error(`${stdout}${stderr}`);
  stack = localStackSchema.parse(JSON.parse(stdout));
  client = createClient(stack);
  // From here on, commands use the engine as they would use AWS.
  Object.assign(environment, localAwsVariables(stack, new StateFolder(home)));
}, START_MS);

afterAll(async () => {
  delete environment['AWS_ENDPOINT_URL'];
  await start(['local', 'down', '--purge']).ended;
  rmSync(home, { recursive: true, force: true });
}, 60_000);

describe('a deployment with running fleets on a local engine', () => {
  it('`deployment check` reports each check, and says unknown for what the engine lacks', async () => {
    const { exitCode, stdout } = await start(['deployment', 'check', '--stage', 'local']).ended;
    const { deployment, region, checks, ok } = z
      .looseObject({
        deployment: z.string(),
        region: z.string(),
        ok: z.boolean(),
        checks: z.array(z.looseObject({ id: z.string(), status: z.string(), found: z.string() })),
      })
      .parse(JSON.parse(stdout));
    expect([deployment, region, ok, exitCode]).toEqual([NAME, 'us-east-1', true, 0]);
    const statusOf = (id: string) => checks.find((one) => one.id === id)?.status;
    expect(statusOf('size-transitions')).toBe('unknown');
    for (const id of ['clock', 'region', 'bootstrap', 'stack', 'version', 'dead-letters', 'alarms', 'api']) {
      expect([id, statusOf(id)]).toEqual([id, 'ok']);
    }
  });

  it(
    'a removal that is killed goes on, stops at a cloud that cannot be read, and forgets its machines only into a file',
    async () => {
      const bodies = [
        request('on-aws', group('sim-aws', 4, ['us-east-1', 'eu-west-1'])),
        request('on-azure', group('sim-azure', 3, ['eastus'])),
      ];
      for (const body of bodies) await client.createFleet({ params: { namespace }, body });
      for (const { name } of bodies) await until(() => isRunning(name));

      const plan = await destroy('--dry-run');
      expect(plan).toMatchObject({ exitCode: 0, document: { status: 'planned' } });
      expect(plan.document.steps.find(({ step }) => step === 'fleets')?.counts).toEqual({
        fleets: 2,
        instances: 7,
      });
      expect(await isRunning('on-aws')).toBe(true);

      // The clouds of one connection stop to answer. The command is killed while it removes the fleets.
      await control('POST', 'faults', [{ connection: 'sim-azure', kind: 'error' }]);
      const first = start(['deployment', 'destroy', '--stage', 'local', '--confirm', NAME]);
      await until(
        async () =>
          (await client.getFleet({ params: { namespace, fleet: 'on-azure' } })).status === 'Terminating',
      );
      expect(await codeOf(client.createFleet({ params: { namespace }, body: bodyOf('late') }))).toBe(
        'deployment-ending',
      );
      first.child.kill('SIGKILL');
      await first.ended;

      const stopped = await destroy('--confirm', NAME, '--timeout', '45');
      expect(stopped).toMatchObject({ exitCode: 1, document: { status: 'stopped' } });
      expect(stopped.document.steps.at(-1)?.blockers.map(({ connection }) => connection)).toEqual([
        'sim-azure',
      ]);
      expect(await machinesAt('aws')).toEqual([]);

      const left = await machinesAt('azure');
      expect(left).toHaveLength(3);
      const file = join(home, 'left.json');
      const [one, two] = await Promise.all([
        destroy('--confirm', NAME, '--forget', '--forget-file', file),
        destroy('--confirm', NAME, '--forget'),
      ]);
      expect([one.document.status, two.document.status]).toEqual(['destroyed', 'destroyed']);
      const { machines } = z
        .looseObject({ machines: z.array(z.looseObject({ connection: z.string(), backendId: z.string() })) })
        .parse(JSON.parse(readFileSync(file, 'utf8')));
      expect(machines.map(({ backendId }) => backendId).sort()).toEqual(left.sort());
      expect(await machinesAt('azure')).toHaveLength(3);
      expect(await leftovers()).toEqual({ stack: false, tables: [], parameters: [] });
    },
    START_MS,
  );
});

const bodyOf = (name: string) => request(name, group('sim-gcp', 1, ['us-central1']));

async function control(method: string, path: string, body: unknown): Promise<void> {
  await ask(stack, path, { method, body });
}

/** Returns what the engine still has of the deployment. */
async function leftovers() {
  const settings = engineSettings(stack);
  const stacks = await new CloudFormationClient(settings)
    .send(new DescribeStacksCommand({ StackName: NAME }))
    .then(({ Stacks = [] }) => Stacks.some(({ StackStatus }) => StackStatus !== 'DELETE_COMPLETE'))
    .catch(() => false);
  const { TableNames = [] } = await new DynamoDBClient(settings).send(new ListTablesCommand({}));
  const { Parameters = [] } = await new SSMClient(settings).send(new DescribeParametersCommand({}));
  const names = Parameters.map(({ Name = '' }) => Name).filter((name) => name.startsWith('/fleetwright/'));
  return { stack: stacks, tables: TableNames.filter((name) => name.startsWith(NAME)), parameters: names };
}
