import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import * as z from 'zod';
import { accountKey } from '../../../../local/sim/engine/account-key.ts';
import { openGate } from '../../../calls/gates.ts';
import { simDriver } from '../../../samples/drivers.ts';
import { prepare } from '../../drivers/sim/sim-server.ts';

const KEY = 'key-of-this-test';
const PROGRAM = join(import.meta.dirname, '../../../../local/sim/server.ts');
const stateDir = mkdtempSync(join(tmpdir(), 'fleetwright-sim-'));
let child: ChildProcess | undefined;

afterEach(() => {
  child?.kill('SIGKILL');
  rmSync(stateDir, { recursive: true, force: true });
});

const run = (...args: string[]) => runWith({}, args);

function runWith(variables: Record<string, string>, args: string[]) {
  const started = spawn(process.execPath, [PROGRAM, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...variables },
  });
  child = started;
  const exit = new Promise<number | null>((resolve) => started.once('exit', resolve));
  const firstLine = new Promise<string>((resolve, reject) => {
    started.stdout.once('data', (data: Buffer) => resolve(data.toString()));
    exit.then((code) => reject(new Error(`ended with ${code} before it listened`)));
  });
  firstLine.catch(() => undefined);
  return { started, exit, firstLine };
}

async function listening(line: Promise<string>) {
  return z.object({ simUrl: z.url(), simKey: z.string().min(1) }).parse(JSON.parse(await line));
}

test("the simulated clouds' server prints its URL, and keeps the effect of every answered call after a kill and a restart", async () => {
  const first = run('--port', '0', '--seed', '5', '--state', stateDir, '--sim-key', KEY);
  const credential = { account: 'acc', apiKey: accountKey(KEY, 'acc') };
  const connect = ({ simUrl: endpoint }: { simUrl: string }) =>
    simDriver.connect({ cloud: 'gcp', credential, endpoint, deploymentId: 'd', calls: openGate });
  const client = connect(await listening(first.firstLine));
  const { spec } = await prepare(client, 'us-central1');
  const made = await client.createInstance(spec(1, { instanceType: 'e2-medium' }));
  first.started.kill('SIGKILL');
  await first.exit;

  const again = connect(await listening(run('--port', '0', '--state', stateDir, '--sim-key', KEY).firstLine));
  expect(await again.listInstances('us-central1')).toMatchObject([{ backendId: made.backendId }]);
  expect(await again.findNetworkResource('us-central1', 'network', 'net')).toBeDefined();
  expect(await again.createInstance(spec(1, { instanceType: 'e2-medium' }))).toMatchObject({
    backendId: made.backendId,
  });
});

test("the control API accepts only the server's generated key, and a cloud only the account's own key", async () => {
  const { simUrl, simKey } = await listening(run('--port', '0').firstLine);
  const ask = async (path: string, key: string, headers: Record<string, string> = {}) =>
    await fetch(`${simUrl}${path}`, { headers: { ...headers, authorization: `Bearer ${key}` } });
  expect((await ask('/_sim/books', 'x')).status).toBe(401);
  expect((await ask('/_sim/books', simKey)).status).toBe(200);
  const { apiKey } = z
    .object({ apiKey: z.string() })
    .parse(await (await ask('/_sim/accounts/acc', simKey)).json());
  expect(apiKey).toBe(accountKey(simKey, 'acc'));
  for (const [account, key, status] of [
    ['acc', apiKey, 200],
    ['acc', simKey, 401],
    ['other', apiKey, 401],
  ] as const) {
    expect((await ask('/clouds/aws/account', key, { 'x-account': account })).status).toBe(status);
  }
});

test("the simulated clouds' server reads its key from FLEETWRIGHT_SIM_KEY", async () => {
  const child = runWith({ FLEETWRIGHT_SIM_KEY: KEY }, ['--port', '0']);
  expect(await listening(child.firstLine)).toMatchObject({ simKey: KEY });
});

test('other users cannot read the journal, which contains keys', async () => {
  await listening(run('--port', '0', '--state', join(stateDir, 'deep', 'state')).firstLine);
  expect(statSync(join(stateDir, 'deep', 'state')).mode & 0o777).toBe(0o700);
  expect(statSync(join(stateDir, 'deep', 'state', 'clouds.jsonl')).mode & 0o777).toBe(0o600);
});

test.each([
  ['a key with a line break', ['--sim-key', 'a\nb'], 2],
  ['an empty key', ['--sim-key', ''], 2],
  ['an invalid port', ['--port', '70000'], 2],
  ['a missing config file', ['--config', '/nonexistent.yaml'], 2],
  ['an unknown flag', ['--frobnicate'], 2],
  ['--help', ['--help'], 0],
])("the simulated clouds' server, given %s (%j), exits with code %i", async (_, args, code) => {
  expect(await run(...args).exit).toBe(code);
});

test("the simulated clouds' server exits with code 3 when its port is in use", async () => {
  const first = run('--port', '0');
  const { port } = new URL((await listening(first.firstLine)).simUrl);
  expect(await run('--port', port).exit).toBe(3);
  first.started.kill('SIGKILL');
});
