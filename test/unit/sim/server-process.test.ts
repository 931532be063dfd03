import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { simDriver } from '../../../functions/drivers/sim/driver.ts';
import { prepare } from '../drivers/sim-server.ts';

const PROGRAM = join(import.meta.dirname, '../../../local/sim/server.ts');
const stateDir = mkdtempSync(join(tmpdir(), 'fleetwright-sim-'));
let child: ChildProcess | undefined;

afterEach(() => {
  child?.kill('SIGKILL');
  rmSync(stateDir, { recursive: true, force: true });
});

function run(...args: string[]) {
  const started = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  child = started;
  const exit = new Promise<number | null>((resolve) => started.once('exit', resolve));
  const firstLine = new Promise<string>((resolve, reject) => {
    started.stdout.once('data', (data: Buffer) => resolve(data.toString()));
    exit.then((code) => reject(new Error(`ended with ${code} before it listened`)));
  });
  firstLine.catch(() => undefined);
  return { started, exit, firstLine };
}

async function listening(line: Promise<string>): Promise<string> {
  return z.object({ simUrl: z.url() }).parse(JSON.parse(await line)).simUrl;
}

test('prints where it listens; a kill -9 costs it nothing that it had answered', async () => {
  const first = run('--port', '0', '--seed', '5', '--state', stateDir);
  const connect = (endpoint: string) =>
    simDriver.connect({ cloud: 'gcp', credential: { account: 'acc' }, endpoint, deploymentId: 'd' });
  const client = connect(await listening(first.firstLine));
  const { spec } = await prepare(client, 'us-central1');
  const made = await client.createInstance(spec(1, { instanceType: 'e2-medium' }));
  first.started.kill('SIGKILL');
  await first.exit;

  const again = connect(await listening(run('--port', '0', '--state', stateDir).firstLine));
  expect(await again.listInstances('us-central1')).toMatchObject([{ backendId: made.backendId }]);
  expect(await again.findNetworkResource('us-central1', 'network', 'net')).toBeDefined();
  expect(await again.createInstance(spec(1, { instanceType: 'e2-medium' }))).toMatchObject({
    backendId: made.backendId,
  });
});

test.each([
  ['a port that is none', ['--port', '70000'], 2],
  ['a config that is not there', ['--config', '/nonexistent.yaml'], 2],
  ['an unknown flag', ['--frobnicate'], 2],
  ['the help', ['--help'], 0],
])('%s: exit code', async (_, args, code) => {
  expect(await run(...args).exit).toBe(code);
});

test('a port in use: exit code 3', async () => {
  const first = run('--port', '0');
  const { port } = new URL(await listening(first.firstLine));
  expect(await run('--port', port).exit).toBe(3);
  first.started.kill('SIGKILL');
});
