import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { makeEngineKey } from '../../../local/engine/access.ts';
import { startContainer } from '../../../local/engine/docker.ts';
import { findOrStartEngine } from '../../../local/engine/engine.ts';
import { cleanEnvironment, localAwsVariables } from '../../../local/engine/environment.ts';
import { GUARDED_MINISTACK, guardEnvironment } from '../../../local/engine/guarded-ministack.ts';
import { StateFolder } from '../../../local/state/folder.ts';

let folder: StateFolder;
beforeEach(() => {
  folder = new StateFolder(mkdtempSync(join(tmpdir(), 'fleetwright-unit-')));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder.path, { recursive: true, force: true });
});

describe('the local engine', () => {
  it('findOrStartEngine refuses an endpoint of AWS', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL', 'https://dynamodb.us-east-1.amazonaws.com');
    await expect(findOrStartEngine(folder)).rejects.toThrow('not the URL of a local AWS engine');
  });

  it('findOrStartEngine fails if no server answers at AWS_ENDPOINT_URL', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:1');
    await expect(findOrStartEngine(folder)).rejects.toThrow('does not answer');
  });

  it("an engine at AWS_ENDPOINT_URL is used with the user's access key, or with LocalStack's usual key if no key is set", async () => {
    const server = createServer((_, answer) => answer.end('{}'));
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

  it('makeEngineKey returns a new key at each call', () => {
    const [one, two] = [makeEngineKey(), makeEngineKey()];
    expect(one.accessKeyId).toMatch(/^FWLK[A-Z2-7]{16}$/);
    expect(one.accessKeyId).not.toBe(two.accessKeyId);
    expect(one.secretAccessKey).not.toBe(two.secretAccessKey);
    expect(one.secretAccessKey).toMatch(/^[\w-]{40}$/);
  });

  it('an engine in Docker runs behind the request guard, listens on loopback, and gets its key from its environment', async () => {
    const recorded = folder.file('recorded');
    const docker = folder.file('bin', 'docker');
    writeFileSync(
      docker,
      `#!/bin/sh\nprintf '%s\\0' "$@" > '${recorded}'\nenv > '${recorded}.env'\necho c0ffee\n`,
      {
        mode: 0o700,
      },
    );
    vi.stubEnv('PATH', `${dirname(docker)}:${process.env['PATH']}`);
    const key = makeEngineKey();
    const record = await startContainer(4_600, key);
    expect(record).toMatchObject({ ...key, container: 'c0ffee', url: 'http://127.0.0.1:4600' });
    const args = readFileSync(recorded, 'utf8').split('\0').slice(0, -1);
    expect(args.join(' ')).not.toContain(key.secretAccessKey);
    expect(args.slice(0, 2)).toEqual(['run', '--detach']);
    expect(args.slice(-2)[0]).toBe('-c');
    expect(args.at(-1)).toBe(readFileSync(GUARDED_MINISTACK, 'utf8'));
    const named = args.flatMap((one, at) => (args[at - 1] === '--env' ? [one] : []));
    expect(named).toContain('AWS_SECRET_ACCESS_KEY');
    const env = readFileSync(`${recorded}.env`, 'utf8').split('\n');
    expect(env).toContain(`AWS_SECRET_ACCESS_KEY=${key.secretAccessKey}`);
    const shares = process.platform === 'linux';
    const [bindHost, port] = shares ? ['127.0.0.1', 4_600] : ['0.0.0.0', 4_566];
    expect(env).toContain(`BIND_HOST=${bindHost}`);
    expect(env).toContain(`GATEWAY_PORT=${port}`);
    expect(args.join(' ')).toContain(shares ? '--network host' : '--publish 127.0.0.1:4600:4566');
  });

  it("the guard of an engine in a container accepts only loopback hosts, with the container's port or the published port", () => {
    const listening = { bindHost: '0.0.0.0', port: 4_566, seenAs: 4_600 } as const;
    const hosts = guardEnvironment(makeEngineKey(), listening)['FLEETWRIGHT_ENGINE_HOSTS']?.split(',');
    expect(hosts?.sort()).toEqual(
      [4_566, 4_600].flatMap((port) => [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]).sort(),
    );
  });

  it("the engine's environment has none of the user's AWS settings", () => {
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
