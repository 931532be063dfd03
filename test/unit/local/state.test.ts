import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import * as z from 'zod';
import { cleanEnvironment, environmentIn } from '../../../local/engine/environment.ts';
import { keepPrivate, StateFolder } from '../../../local/state/folder.ts';
import { waitForLock, withLock } from '../../../local/state/lock.ts';
import { isAlive, startDetached, stopProcess, thisProcess } from '../../../local/state/processes.ts';
import { StartFailure } from '../../../local/state/start-failure.ts';
import { choosePort, freePort } from '../../../local/system/ports.ts';
import { runCommand } from '../../../local/system/run-command.ts';

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
  onTestFinished(() => void server.close());
  return { port: address.port };
}

describe('ports of the local stack', () => {
  it('freePort returns a higher port if the preferred port is taken', async () => {
    const taken = await listenAnywhere();
    expect(await freePort(taken.port)).toBeGreaterThan(taken.port);
  });

  it('choosePort refuses the port that a variable states if the port is taken or invalid', async () => {
    const taken = await listenAnywhere();
    vi.stubEnv('FLEETWRIGHT_ENGINE_PORT', String(taken.port));
    await expect(choosePort('FLEETWRIGHT_ENGINE_PORT', 4566)).rejects.toThrow(`port ${taken.port}`);
    vi.stubEnv('FLEETWRIGHT_ENGINE_PORT', '70000');
    await expect(choosePort('FLEETWRIGHT_ENGINE_PORT', 4566)).rejects.toBeInstanceOf(StartFailure);
  });
});

describe('the state folder', () => {
  const schema = z.object({ url: z.url() });

  it('a state file is readable only by its user, and `read` returns undefined for an incomplete or missing file', () => {
    folder.write('a.json', { url: 'http://127.0.0.1:1' });
    expect(folder.read('a.json', schema)).toEqual({ url: 'http://127.0.0.1:1' });
    expect(statSync(join(folder.path, 'a.json')).mode & 0o077).toBe(0);
    writeFileSync(join(folder.path, 'b.json'), '{"url":');
    expect(folder.read('b.json', schema)).toBeUndefined();
    expect(folder.read('c.json', schema)).toBeUndefined();
  });

  it('the state folder becomes private to its user under any umask, even if it was public before', () => {
    const home = join(folder.path, 'found');
    mkdirSync(home, { mode: 0o777 });
    chmodSync(home, 0o777);
    const found = new StateFolder(home);
    const umask = process.umask(0);
    try {
      found.log('engine');
      found.write('a.json', {});
      const temporary = found.temporary();
      const modes = [home, join(home, 'logs'), temporary].map((path) => statSync(path).mode & 0o777);
      expect(modes).toEqual([0o700, 0o700, 0o700]);
      expect(statSync(join(home, 'a.json')).mode & 0o777).toBe(0o600);
      expect(statSync(join(temporary, 'package.json')).mode & 0o777).toBe(0o600);
      found.removeTemporary();
      expect(existsSync(temporary)).toBe(false);
    } finally {
      process.umask(umask);
    }
  });

  it('keepPrivate removes the access of other users to a file, and does not follow links', () => {
    const made = folder.file('made', 'bin', 'program');
    writeFileSync(made, '', { mode: 0o755 });
    const outside = join(folder.path, 'outside');
    writeFileSync(outside, '', { mode: 0o644 });
    chmodSync(outside, 0o644);
    symlinkSync(outside, join(folder.path, 'made', 'link'));
    symlinkSync('nowhere', join(folder.path, 'made', 'dead'));
    keepPrivate(join(folder.path, 'made'));
    expect(statSync(made).mode & 0o777).toBe(0o700);
    expect(statSync(outside).mode & 0o777).toBe(0o644);
  });

  it('the lock of the state folder allows one holder at a time', async () => {
    const inside = withLock(folder, () =>
      expect(withLock(folder, async () => 1)).rejects.toThrow('another process'),
    );
    await inside;
    expect(await withLock(folder, async () => 2)).toBe(2);
  });

  it('a process takes over the lock of a process that has ended', async () => {
    writeFileSync(folder.file('lock'), JSON.stringify({ pid: process.pid, startedAt: 'before us' }));
    expect(await withLock(folder, async () => 3)).toBe(3);
  });

  it('waitForLock waits until the lock is free, and fails if the lock stays taken', async () => {
    const order: string[] = [];
    const release = Promise.withResolvers<void>();
    const first = waitForLock(folder, 'program', { waitMs: 10_000 }, async () => {
      await release.promise;
      order.push('first');
    });
    const second = waitForLock(folder, 'program', { waitMs: 10_000 }, async () => void order.push('second'));
    await expect(waitForLock(folder, 'program', { waitMs: 0 }, async () => 1)).rejects.toThrow(StartFailure);
    release.resolve();
    await Promise.all([first, second]);
    expect(order).toEqual(['first', 'second']);
  });

  it('only one of several processes at a time holds the lock that a dead process left', async () => {
    const lock = folder.file('locks', 'program');
    writeFileSync(lock, JSON.stringify({ pid: process.pid, startedAt: 'before us' }));
    const journal = folder.file('journal');
    const modules = join(import.meta.dirname, '../../../local/state');
    const script = `
      const { appendFileSync } = require('node:fs');
      const { setTimeout: sleep } = require('node:timers/promises');
      (async () => {
        const { waitForLock } = await import('${modules}/lock.ts');
        const { StateFolder } = await import('${modules}/folder.ts');
        const folder = new StateFolder('${folder.path}');
        await waitForLock(folder, 'program', { waitMs: 60_000 }, async () => {
          appendFileSync('${journal}', 'in ');
          await sleep(20);
          appendFileSync('${journal}', 'out ');
        });
      })();`;
    const runs = await Promise.all(
      Array.from({ length: 4 }, () => runCommand(process.execPath, ['-e', script])),
    );
    expect(runs.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      Array.from({ length: 4 }, () => ({ code: 0, stderr: expect.not.stringContaining('Error') })),
    );
    expect(readFileSync(journal, 'utf8')).toBe('in out '.repeat(4));
  });
});

describe('processes of the local stack', () => {
  it('stopProcess ends a process with its children, and does not end a process if the given start time differs', async () => {
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
    // The operating system takes a moment to remove the child.
    await expect.poll(() => groupExists(own.pid)).toBe(false);
    expect(await stopProcess(own)).toBe(false);
  });

  it('a started process writes private files, and has its temporary folder in the state folder', async () => {
    const file = folder.file('written');
    const umask = process.umask(0);
    try {
      const script = `echo "$TMPDIR" > '${file}'; mkdir '${file}-folder'; echo said`;
      const command = await runCommand('sh', ['-c', script], { env: environmentIn(folder) });
      expect(command).toEqual({ code: 0, stdout: 'said\n', stderr: '' });
      const { process: own } = startDetached({
        command: 'sh',
        args: ['-c', `echo > '${file}-detached'`],
        env: environmentIn(folder),
        log: folder.log('detached'),
      });
      await expect.poll(() => isAlive(own)).toBe(false);
    } finally {
      process.umask(umask);
    }
    expect(readFileSync(file, 'utf8')).toBe(`${join(folder.path, 'tmp')}\n`);
    const modes = [file, `${file}-folder`, `${file}-detached`, folder.log('detached')].map(
      (path) => statSync(path).mode & 0o777,
    );
    expect(modes).toEqual([0o600, 0o700, 0o600, 0o600]);
  });

  it('a command that cannot be started returns exit code 127', async () => {
    expect(await runCommand('/nonexistent/program', [])).toMatchObject({ code: 127 });
  });

  it('isAlive returns true for the current process', () => {
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
