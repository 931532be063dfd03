import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { findOrStartEngine } from '../../../local/engine/engine.ts';
import { cleanEnvironment, localAwsVariables } from '../../../local/engine/environment.ts';
import { choosePort, freePort } from '../../../local/ports.ts';
import { StartFailure } from '../../../local/start-failure.ts';
import { StateFolder } from '../../../local/state/folder.ts';
import { withLock } from '../../../local/state/lock.ts';
import { isAlive, startDetached, stopProcess, thisProcess } from '../../../local/state/processes.ts';

let folder: StateFolder;
beforeEach(() => {
  folder = new StateFolder(mkdtempSync(join(tmpdir(), 'fleetwright-unit-')));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder.path, { recursive: true, force: true });
});

async function listenAnywhere() {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, [Symbol.asyncDispose]: async () => void server.close() };
}

describe('ports', () => {
  it('are the first free one from the preferred on', async () => {
    await using taken = await listenAnywhere();
    expect(await freePort(taken.port)).toBeGreaterThan(taken.port);
  });

  it('are refused when the one demanded is taken, or is none', async () => {
    await using taken = await listenAnywhere();
    vi.stubEnv('FLEETWRIGHT_ENGINE_PORT', String(taken.port));
    await expect(choosePort('FLEETWRIGHT_ENGINE_PORT', 4566)).rejects.toThrow(`port ${taken.port}`);
    vi.stubEnv('FLEETWRIGHT_ENGINE_PORT', '70000');
    await expect(choosePort('FLEETWRIGHT_ENGINE_PORT', 4566)).rejects.toBeInstanceOf(StartFailure);
  });
});

describe('the state folder', () => {
  const schema = z.object({ url: z.url() });

  it("keeps what is written for the user's eyes alone, and takes what it cannot read for nothing", () => {
    folder.write('a.json', { url: 'http://127.0.0.1:1' });
    expect(folder.read('a.json', schema)).toEqual({ url: 'http://127.0.0.1:1' });
    expect(statSync(join(folder.path, 'a.json')).mode & 0o077).toBe(0);
    writeFileSync(join(folder.path, 'b.json'), '{"url":');
    expect(folder.read('b.json', schema)).toBeUndefined();
    expect(folder.read('c.json', schema)).toBeUndefined();
  });

  it('lets one process at a time do its work', async () => {
    const inside = withLock(folder, () =>
      expect(withLock(folder, async () => 1)).rejects.toThrow('another process'),
    );
    await inside;
    expect(await withLock(folder, async () => 2)).toBe(2);
  });

  it('takes the lock of a process that is gone', async () => {
    writeFileSync(folder.file('lock'), JSON.stringify({ pid: process.pid, startedAt: 'before us' }));
    expect(await withLock(folder, async () => 3)).toBe(3);
  });
});

describe('processes', () => {
  it('are ended with what they started, and only while they are the ones that we started', async () => {
    const { process: own } = startDetached({
      command: process.execPath,
      args: ['-e', 'require("node:child_process").spawn("sleep", ["60"]); setInterval(() => {}, 1000)'],
      env: cleanEnvironment(),
      log: folder.log('sleeper'),
    });
    expect(isAlive(own)).toBe(true);
    expect(await stopProcess({ ...own, startedAt: 'another time' })).toBe(false);
    expect(isAlive(own)).toBe(true);
    expect(await stopProcess(own)).toBe(true);
    expect(isAlive(own)).toBe(false);
    // The system takes a moment to bury the child.
    await expect.poll(() => groupExists(own.pid)).toBe(false);
    expect(await stopProcess(own)).toBe(false);
  });

  it('know this one', () => {
    expect(isAlive(thisProcess())).toBe(true);
  });
});

function groupExists(leader: number): boolean {
  try {
    return process.kill(-leader, 0);
  } catch {
    return false;
  }
}

describe('the engine', () => {
  it('is never AWS itself', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL', 'https://dynamodb.us-east-1.amazonaws.com');
    await expect(findOrStartEngine(folder)).rejects.toThrow('not the URL of a local AWS engine');
  });

  it('must answer where AWS_ENDPOINT_URL says that it is', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:1');
    await expect(findOrStartEngine(folder)).rejects.toThrow('nothing answers');
  });

  it("gets none of the user's AWS settings", () => {
    vi.stubEnv('AWS_PROFILE', 'work');
    vi.stubEnv('AWS_SESSION_TOKEN', 'secret');
    vi.stubEnv('HTTPS_PROXY', 'http://proxy');
    expect(cleanEnvironment()).not.toHaveProperty('AWS_PROFILE');
    expect(cleanEnvironment()).not.toHaveProperty('AWS_SESSION_TOKEN');
    expect(cleanEnvironment()).toHaveProperty('HTTPS_PROXY', 'http://proxy');
    const engineUrl = 'http://127.0.0.1:4566';
    const access = { engineUrl, engineAccessKeyId: 'FWLK1', engineSecretAccessKey: 'secret' };
    expect(localAwsVariables(access, folder)).toMatchObject({
      AWS_ENDPOINT_URL: engineUrl,
      AWS_ACCESS_KEY_ID: 'FWLK1',
      AWS_SECRET_ACCESS_KEY: 'secret',
    });
  });
});
