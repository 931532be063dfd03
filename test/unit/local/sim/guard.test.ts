import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountKey, isSameKey } from '../../../../local/sim/engine/account-key.ts';
import { hostsAt } from '../../../../local/sim/http/guard.ts';
import { type SimServer, startSimServer } from '../../../../local/sim/serve.ts';
import { quickConfig } from '../../drivers/sim/sim-server.ts';

const KEY = 'key-of-the-control-api';
let server: SimServer;
let port: string;
beforeAll(async () => {
  const config = quickConfig({ accounts: { given: { apiKey: 'given-key' }, gone: { revoked: true } } });
  server = await startSimServer({ config, port: 0, simKey: KEY, allowHosts: ['Host.Docker.Internal'] });
  ({ port } = new URL(server.url));
});
afterAll(() => server.close());

/**
 * Returns the status of a request with these headers. Does not use `fetch`, which sets the header Host
 * itself.
 */
async function statusOf(path: string, headers: Record<string, string>, method = 'GET'): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const sent = request({ host: '127.0.0.1', port, path, method, headers }, (answer) => {
    answer.resume();
    answer.on('end', () => resolve(answer.statusCode ?? 0));
  });
  sent.on('error', reject);
  sent.end();
  return await promise;
}

const control = { authorization: `Bearer ${KEY}` };
const cloudOf = (account: string, key: string) => ({ 'x-account': account, authorization: `Bearer ${key}` });
const own = cloudOf('acc', accountKey(KEY, 'acc'));
const BOOKS = '/_sim/books';
const ACCOUNT = '/clouds/aws/account';

describe("the guard of the simulated clouds' server", () => {
  it.each(['127.0.0.1', 'localhost', 'LocalHost', '[::1]', 'host.docker.internal'])(
    'a request is accepted if its Host header is %s with the port of the simulated clouds',
    async (name) => {
      expect(await statusOf(BOOKS, { ...control, host: `${name}:${port}` })).toBe(200);
      expect(await statusOf(ACCOUNT, { ...own, host: `${name}:${port}` })).toBe(200);
    },
  );

  it.each(['evil.example:PORT', '127.0.0.1', '127.0.0.1:1', '127.0.0.1.nip.io:PORT', 'x.localhost:PORT'])(
    'the simulated clouds refuse a request whose header Host is %s, even with the right key',
    async (name) => {
      const host = name.replace('PORT', port);
      expect(await statusOf(BOOKS, { ...control, host })).toBe(403);
      expect(await statusOf(ACCOUNT, { ...own, host })).toBe(403);
    },
  );

  it.each([
    ['origin', 'https://evil.example'],
    ['origin', 'null'],
    ['sec-fetch-site', 'cross-site'],
    ['sec-fetch-site', 'same-site'],
    ['sec-fetch-site', 'same-origin'],
  ])(
    'the simulated clouds refuse a request with the header %s: %s, because a web page may have sent the request',
    async (name, value) => {
      for (const method of ['GET', 'OPTIONS', 'POST']) {
        expect(await statusOf(BOOKS, { ...control, [name]: value }, method)).toBe(403);
        expect(await statusOf(ACCOUNT, { ...own, [name]: value }, method)).toBe(403);
      }
    },
  );

  it('the simulated clouds accept a browser request that no web page made', async () => {
    expect(await statusOf(BOOKS, { ...control, 'sec-fetch-site': 'none' })).toBe(200);
  });

  it.each([
    ['no key', {}],
    ['a wrong key', { authorization: 'Bearer wrong' }],
    ['an empty key', { authorization: 'Bearer ' }],
    ['another scheme', { authorization: `Basic ${KEY}` }],
    ["an account's key", { authorization: `Bearer ${accountKey(KEY, 'acc')}` }],
  ])('a request to the control API with %s gets 401', async (_what, headers) => {
    for (const path of [BOOKS, '/_sim/health', '/_sim/accounts/acc', '/_sim/nothing', '/_sim']) {
      expect([path, await statusOf(path, headers)]).toEqual([path, 401]);
    }
    expect(await statusOf('/_sim/reset', headers, 'POST')).toBe(401);
  });

  it('an account is accepted only with its configured key, or its derived key if none is configured; a revoked account is refused', async () => {
    expect(await statusOf(ACCOUNT, own)).toBe(200);
    expect(await statusOf(ACCOUNT, cloudOf('acc', KEY))).toBe(401);
    expect(await statusOf(ACCOUNT, { 'x-account': 'acc' })).toBe(401);
    expect(await statusOf(ACCOUNT, cloudOf('other', accountKey(KEY, 'acc')))).toBe(401);
    expect(await statusOf(ACCOUNT, cloudOf('given', 'given-key'))).toBe(200);
    expect(await statusOf(ACCOUNT, cloudOf('given', accountKey(KEY, 'given')))).toBe(401);
    expect(await statusOf(ACCOUNT, cloudOf('gone', accountKey(KEY, 'gone')))).toBe(403);
    server.engine.reset();
    expect(await statusOf(ACCOUNT, own)).toBe(200);
  });
});

it("an account's key depends only on the control key and the account's name, isSameKey compares whole keys, and hostsAt writes host names in lower case", () => {
  expect(accountKey(KEY, 'a')).toBe(accountKey(KEY, 'a'));
  expect(new Set([accountKey(KEY, 'a'), accountKey(KEY, 'b'), accountKey('other', 'a')]).size).toBe(3);
  expect(isSameKey('a', 'a')).toBe(true);
  expect(isSameKey('a', 'ab')).toBe(false);
  expect(isSameKey(undefined, 'a')).toBe(false);
  expect([...hostsAt(1, ['X'])]).toContain('x:1');
});
