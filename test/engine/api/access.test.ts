import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { routes } from '../../../functions/entrypoints/api/contract.ts';
import { issueRootKey } from '../../../functions/platform/store/api-keys.ts';
import { useTables } from '../tables.ts';
import { fleetBody, furnish } from './furnish.ts';
import { Gateway } from './gateway.ts';

let nowMs = Date.now();
const store = useTables({ now: () => nowMs });
const gateway = new Gateway(store);
const { errorsOf, codeOf } = Gateway;

const withKey = (key: string | undefined, path = '/v1/namespaces') =>
  gateway.ask({ method: 'GET', path, headers: { authorization: key && `Bearer ${key}` } });

describe('API keys', () => {
  it.each(routes.map(({ method, path }) => [method, path] as const))(
    'a request %s %s without an API key is answered 401',
    async (method, path) => {
      const answer = await gateway.ask({
        method,
        path: path.replaceAll(/\{\w+\}/g, 'whatever'),
        headers: { authorization: undefined },
      });
      expect([answer.status, codeOf(answer)]).toEqual([401, 'unauthorized']);
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
    },
  );

  it('an unknown path is answered 401 without a key, so that a caller cannot probe for paths', async () => {
    expect((await withKey(undefined, '/v1/nothing')).status).toBe(401);
  });

  it('a changed or an unknown API key is answered 401', async () => {
    const last = gateway.key.endsWith('A') ? 'B' : 'A';
    for (const key of [
      'x',
      `${gateway.key}x`,
      gateway.key.slice(0, -1) + last,
      `fw_000000000000_${'a'.repeat(43)}`,
    ]) {
      expect((await withKey(key)).status, key).toBe(401);
    }
    expect((await withKey(gateway.key)).status).toBe(200);
  });

  it('an API key is shown once, appears in no list or log, and is refused after it was revoked', async () => {
    const made = await gateway.ask({ method: 'POST', path: '/v1/api-keys', json: { name: 'robot' } });
    const { id, key } = z.object({ id: z.string(), key: z.string() }).parse(made.body);
    expect(made.status).toBe(201);
    expect((await withKey(key)).status).toBe(200);
    const list = JSON.stringify((await gateway.ask({ method: 'GET', path: '/v1/api-keys' })).body);
    expect(list).toContain(id);
    expect(list).not.toContain(key.split('_')[2]);
    const revoke = () => gateway.ask({ method: 'DELETE', path: `/v1/api-keys/${id}` });
    expect((await revoke()).status).toBe(204);
    expect((await withKey(key)).status).toBe(401);
    expect((await revoke()).status).toBe(204);
    expect((await gateway.ask({ method: 'DELETE', path: '/v1/api-keys/000000000000' })).status).toBe(404);
    expect(JSON.stringify(gateway.logged)).not.toContain(key.split('_')[2]);
  });

  it('an API key is refused when its expiry has passed', async () => {
    const { key } = await issueRootKey(store, {
      name: 'short',
      expiresAt: new Date(nowMs + 1_000).toISOString(),
    });
    expect((await withKey(key)).status).toBe(200);
    nowMs += 1_000;
    expect((await withKey(key)).status).toBe(401);
    const late = await gateway.ask({
      method: 'POST',
      path: '/v1/api-keys',
      json: { name: 'late', expiresAt: new Date(nowMs).toISOString() },
    });
    expect(errorsOf(late)).toEqual(['/expiresAt in-the-past']);
  });
});

describe('namespaces', () => {
  const ask = (method: 'GET' | 'DELETE', name: string) =>
    gateway.ask({ method, path: `/v1/namespaces/${name}` });

  it('a namespace is created once, listed, read and deleted', async () => {
    const json = { name: 'team-one', description: 'text' };
    const made = await gateway.ask({ method: 'POST', path: '/v1/namespaces', json });
    expect([made.status, made.headers['location']]).toEqual([201, '/v1/namespaces/team-one']);
    expect(made.body).toMatchObject(json);
    const again = await gateway.ask({ method: 'POST', path: '/v1/namespaces', json });
    expect([again.status, codeOf(again)]).toEqual([409, 'name-taken']);
    const list = await gateway.ask({ method: 'GET', path: '/v1/namespaces' });
    expect(list.body).toMatchObject({ items: [{ name: 'team-one' }], cursor: null });
    expect((await ask('GET', 'team-one')).status).toBe(200);
    const gone = await ask('DELETE', 'team-one');
    expect([gone.status, gone.body]).toEqual([204, undefined]);
    expect((await ask('GET', 'team-one')).status).toBe(404);
    expect((await ask('DELETE', 'team-one')).status).toBe(404);
  });

  it('a namespace with connections and a connection with fleets are not deleted', async () => {
    await furnish(store, 'busy');
    const refused = await ask('DELETE', 'busy');
    expect([refused.status, codeOf(refused)]).toEqual([409, 'not-empty']);
    await gateway.ask({ method: 'POST', path: '/v1/namespaces/busy/fleets', json: fleetBody('web') });
    const inUse = await gateway.ask({ method: 'DELETE', path: '/v1/namespaces/busy/connections/sim-aws' });
    expect([inUse.status, codeOf(inUse)]).toEqual([409, 'in-use']);
  });
});

it('the API serves its OpenAPI document', async () => {
  const { status, body } = await gateway.ask({ method: 'GET', path: '/v1/openapi.json' });
  expect(status).toBe(200);
  expect(body).toMatchObject({ openapi: expect.stringMatching(/^3\.1/) });
});

it('an internal error is answered with a request id and without its message', async () => {
  const broken = new Gateway({ ...store, tables: { ...store.tables, access: 'no-such-table' } });
  const answer = await broken.ask({
    method: 'GET',
    path: '/v1/namespaces',
    headers: { authorization: `Bearer ${gateway.key}` },
  });
  expect([answer.status, codeOf(answer)]).toEqual([500, 'internal-error']);
  expect(JSON.stringify(answer.body)).not.toContain('no-such-table');
  expect(JSON.stringify(gateway.logged.at(-2))).toContain('request-1');
});
