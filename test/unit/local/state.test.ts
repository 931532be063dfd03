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
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { makeEngineKey } from '../../../local/engine/access.ts';
import { startContainer } from '../../../local/engine/docker.ts';
import { findOrStartEngine } from '../../../local/engine/engine.ts';
import { cleanEnvironment, environmentIn, localAwsVariables } from '../../../local/engine/environment.ts';
import { GUARDED_MINISTACK, guardEnvironment } from '../../../local/engine/guarded-ministack.ts';
import { choosePort, freePort } from '../../../local/ports.ts';
import { runCommand } from '../../../local/run-command.ts';
import { StartFailure } from '../../../local/start-failure.ts';
import { keepPrivate, StateFolder } from '../../../local/state/folder.ts';
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

  it('is open to its user alone, whatever the umask, and however it was found', () => {
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

  it('takes what a program made away from other users, and follows no link', () => {
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

  it('write files that other users cannot read, and their temporary files into the state folder', async () => {
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

  it('that cannot be started are a result like any other', async () => {
    expect(await runCommand('/nonexistent/program', [])).toMatchObject({ code: 127 });
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

  it("is signed for with the user's key where one is set, and else with one that LocalStack takes", async () => {
    const server = createHttpServer((_, answer) => answer.end('{}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);
    try {
      vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAUSER');
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'own');
      const own = { accessKeyId: 'AKIAUSER', secretAccessKey: 'own' };
      expect((await findOrStartEngine(folder)).record).toMatchObject(own);
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined);
      const usual = { accessKeyId: 'test', secretAccessKey: 'test' };
      expect((await findOrStartEngine(folder)).record).toMatchObject(usual);
    } finally {
      server.close();
    }
  });

  it('has a key of its own each time it is started', () => {
    const [one, two] = [makeEngineKey(), makeEngineKey()];
    expect(one.accessKeyId).toMatch(/^FWLK[A-Z2-7]{16}$/);
    expect(one.accessKeyId).not.toBe(two.accessKeyId);
    expect(one.secretAccessKey).not.toBe(two.secretAccessKey);
    expect(one.secretAccessKey).toMatch(/^[\w-]{40}$/);
  });

  it('in Docker is behind the same guard, reached by the loopback alone, its key on no command line', async () => {
    const told = folder.file('told');
    const docker = folder.file('bin', 'docker');
    writeFileSync(docker, `#!/bin/sh\nprintf '%s\\0' "$@" > '${told}'\nenv > '${told}.env'\necho c0ffee\n`, {
      mode: 0o700,
    });
    vi.stubEnv('PATH', `${dirname(docker)}:${process.env['PATH']}`);
    const key = makeEngineKey();
    const record = await startContainer(4_600, key);
    expect(record).toMatchObject({ ...key, container: 'c0ffee', url: 'http://127.0.0.1:4600' });
    const args = readFileSync(told, 'utf8').split('\0').slice(0, -1);
    expect(args.join(' ')).not.toContain(key.secretAccessKey);
    expect(args.slice(0, 2)).toEqual(['run', '--detach']);
    expect(args.slice(-2)[0]).toBe('-c');
    expect(args.at(-1)).toBe(readFileSync(GUARDED_MINISTACK, 'utf8'));
    const named = args.flatMap((one, at) => (args[at - 1] === '--env' ? [one] : []));
    expect(named).toContain('AWS_SECRET_ACCESS_KEY');
    const env = readFileSync(`${told}.env`, 'utf8').split('\n');
    expect(env).toContain(`AWS_SECRET_ACCESS_KEY=${key.secretAccessKey}`);
    const shares = process.platform === 'linux';
    const [bindHost, port] = shares ? ['127.0.0.1', 4_600] : ['0.0.0.0', 4_566];
    expect(env).toContain(`BIND_HOST=${bindHost}`);
    expect(env).toContain(`GATEWAY_PORT=${port}`);
    expect(args.join(' ')).toContain(shares ? '--network host' : '--publish 127.0.0.1:4600:4566');
  });

  it('in a container with a port of its own is known by both ports, and by no other host', () => {
    const listening = { bindHost: '0.0.0.0', port: 4_566, seenAs: 4_600 } as const;
    const hosts = guardEnvironment(makeEngineKey(), listening)['FLEETWRIGHT_ENGINE_HOSTS']?.split(',');
    expect(hosts?.sort()).toEqual(
      [4_566, 4_600].flatMap((port) => [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]).sort(),
    );
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
