import { execFile } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, describe, expect, inject, it } from 'vitest';
import * as z from 'zod';
import { readBooks } from '../../demo/run/books.ts';
import { engineSettings } from '../../local/index.ts';
import { REPOSITORY } from '../../local/state/folder.ts';
import { localStackSchema } from '../../local/state/records.ts';
import { freePort } from '../../local/system/ports.ts';

const root = mkdtempSync(join(tmpdir(), 'fleetwright-local-'));
const home = join(root, 'home');
const temporary = join(root, 'tmp');
const run = promisify(execFile);

/**
 * Runs the CLI with its own temporary folder, and with umask 000, which would let other users open its files.
 */
async function fleetwright(...args: string[]): Promise<unknown> {
  const port = await freePort(15_566);
  const { AWS_ENDPOINT_URL: _given, ...inherited } = process.env;
  const env = {
    ...inherited,
    FLEETWRIGHT_HOME: home,
    TMPDIR: temporary,
    FLEETWRIGHT_ENGINE_PORT: String(port),
    FLEETWRIGHT_SIM_PORT: String(await freePort(port + 1)),
  };
  const command = ['umask 000; exec "$0" "$@"', process.execPath, join(REPOSITORY, 'cli/main.ts'), ...args];
  const { stdout } = await run('/bin/sh', ['-c', ...command, '--json'], { env, cwd: root });
  return JSON.parse(stdout);
}

/** Lists files and folders below a path that another user could open. Leaves out the installed engine. */
function openToOthers(path: string): string[] {
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' });
  return ['.', ...names.filter((name) => !name.startsWith('ministack-'))].filter((name) => {
    const status = lstatSync(join(path, name), { throwIfNoEntry: false });
    return status && !status.isSymbolicLink() && (status.mode & 0o077) !== 0;
  });
}

/** Lists the processes whose environment names the state folder. Works on Linux only. */
function processesOf(folder: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`TMPDIR=${folder}`);
      } catch {
        // The process has ended, or belongs to another user.
        return false;
      }
    });
}

afterAll(async () => {
  await fleetwright('local', 'down');
  rmSync(root, { recursive: true, force: true });
});

describe('a second local stack', () => {
  it('a second local stack has its own keys, writes files that only its user can open, and stops cleanly', async () => {
    mkdirSync(temporary);
    mkdirSync(home, { mode: 0o777 });
    // The engine is installed once for all stacks of the test run.
    const installed = readdirSync(inject('stack').home).find((name) => name.startsWith('ministack-')) ?? '';
    symlinkSync(join(inject('stack').home, installed), join(home, installed));

    const stack = localStackSchema.parse(await fleetwright('local', 'up'));
    expect(stack.simKey).not.toBe(inject('stack').simKey);
    expect(stack.engineAccessKeyId).not.toBe(inject('stack').engineAccessKeyId);
    expect((await readBooks(stack)).clouds).toBeDefined();
    const { QueueUrls = [] } = await new SQSClient(engineSettings(stack)).send(new ListQueuesCommand());
    expect(QueueUrls.length).toBeGreaterThan(0);
    const key = { authorization: `Bearer ${stack.apiKey}` };
    expect((await fetch(`${stack.apiUrl}/v1/namespaces`, { headers: key })).status).toBe(200);

    // The other stack refuses the keys of this one.
    const { engineUrl, simUrl } = inject('stack');
    await expect(readBooks({ ...stack, simUrl })).rejects.toThrow('401');
    const elsewhere = new SQSClient(engineSettings({ ...stack, engineUrl }));
    await expect(elsewhere.send(new ListQueuesCommand())).rejects.toMatchObject({
      $metadata: { httpStatusCode: 403 },
    });

    expect(openToOthers(home)).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
    const functions = readdirSync(join(home, 'tmp')).filter((name) => name.startsWith('ministack-lambda-'));
    expect(functions.length).toBeGreaterThan(0);

    expect(z.object({ stopped: z.array(z.string()) }).parse(await fleetwright('local', 'down'))).toEqual(
      expect.objectContaining({ stopped: ['engine', 'clouds'] }),
    );
    expect(readdirSync(temporary)).toEqual([]);
    const left = readdirSync(home).sort();
    expect(left).toEqual(['aws-config', 'logs', installed].sort());
    expect(readdirSync(join(home, 'logs')).every((name) => statSync(join(home, 'logs', name)).isFile())).toBe(
      true,
    );
    if (existsSync('/proc')) await expect.poll(() => processesOf(join(home, 'tmp'))).toEqual([]);
    expect(openToOthers(home)).toEqual([]);
  }, 300_000);
});
