import { createHash } from 'node:crypto';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { type ApiKeyRequest, apiKeySchema } from '../../../../functions/model/access.ts';
import { issueApiKey, MAX_ANCESTORS, revokeApiKey } from '../../../../functions/platform/store/api-keys.ts';
import { createNamespace } from '../../../../functions/platform/store/namespaces.ts';
import { InProcessApi, KEPT_VOLUME } from './any-input/api.ts';

const madeSchema = apiKeySchema.extend({ key: z.string() });
const problemSchema = z.object({
  code: z.string(),
  errors: z.array(z.object({ pointer: z.string(), code: z.string() })),
});
const pageSchema = z.object({
  items: z.array(z.looseObject({ name: z.string() })),
  cursor: z.string().nullable(),
});

const api = new InProcessApi();
beforeAll(async () => {
  await api.open();
  for (const name of ['default', 'team-a', 'team-b', 'team-c']) await createNamespace(api.store, { name });
});
afterAll(() => api.close());

const using = (key?: string) => (key === undefined ? {} : { authorization: `Bearer ${key}` });
const post = (body: ApiKeyRequest, key?: string) =>
  api.ask('access', {
    method: 'POST',
    path: '/v1/api-keys',
    headers: { 'content-type': 'application/json', ...using(key) },
    body: JSON.stringify(body),
  });
const get = (path: string, key?: string, query: Record<string, string> = {}) =>
  api.ask('access', { method: 'GET', path, query, headers: using(key) });
const revoke = async (id: string, key?: string) =>
  (await api.ask('access', { method: 'DELETE', path: `/v1/api-keys/${id}`, headers: using(key) })).status;
const statusOf = async (key: string) => (await get('/v1/openapi.json', key)).status;

async function make(body: ApiKeyRequest, key?: string) {
  const { status, body: answered } = await post(body, key);
  expect([status, answered]).toEqual([201, expect.anything()]);
  return madeSchema.parse(answered);
}

async function refusalsOf(body: ApiKeyRequest, key?: string): Promise<string[]> {
  const { status, body: answered } = await post(body, key);
  expect(status).toBe(400);
  return problemSchema.parse(answered).errors.map(({ pointer, code }) => `${pointer} ${code}`);
}

const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1_000).toISOString();

describe('an API key that makes an API key', () => {
  it('a key without a role, namespaces and an expiry in its request has those of the key that made it', async () => {
    const expiresAt = inSeconds(3_600);
    const parent = await make({ name: 'parent', role: 'admin', namespaces: ['team-a'], expiresAt });
    const child = await make({ name: 'child' }, parent.key);
    expect(child).toMatchObject({ role: 'admin', namespaces: ['team-a'], expiresAt, parentId: parent.id });
  });

  it('a platform-admin that names namespaces, and no role, makes an admin of these namespaces', async () => {
    expect(await make({ name: 'team-a-admin', namespaces: ['team-a'] })).toMatchObject({ role: 'admin' });
  });

  it('a key that expires makes no key that outlives it', async () => {
    const parent = await make({ name: 'short', role: 'admin', expiresAt: inSeconds(20) });
    expect((await make({ name: 'child' }, parent.key)).expiresAt).toBe(parent.expiresAt);
    expect(await refusalsOf({ name: 'child', expiresAt: inSeconds(60) }, parent.key)).toEqual([
      '/expiresAt exceeds-caller',
    ]);
    await make({ name: 'child', expiresAt: inSeconds(10) }, parent.key);
  });

  it('a key makes no key with a higher role or with other namespaces', async () => {
    const admin = await make({ name: 'admin-a', role: 'admin', namespaces: ['team-a', 'team-b'] });
    expect(await refusalsOf({ name: 'child', role: 'platform-admin' }, admin.key)).toEqual([
      '/role exceeds-caller',
    ]);
    const asked = { name: 'child', namespaces: ['team-a', 'team-c'] };
    expect(await refusalsOf(asked, admin.key)).toEqual(['/namespaces/1 exceeds-caller']);
    expect(await refusalsOf({ name: 'child', namespaces: ['*'] }, admin.key)).toEqual([
      '/namespaces/0 exceeds-caller',
    ]);
    // A namespace that does not exist gets the same answer, so that the names of others cannot be found out.
    expect(await refusalsOf({ name: 'child', namespaces: ['team-none'] }, admin.key)).toEqual([
      '/namespaces/0 exceeds-caller',
    ]);
  });

  it('contradictory rights, repeated namespaces and unknown namespaces are refused with the field', async () => {
    const admin = { name: 'child', role: 'admin' as const };
    expect(await refusalsOf({ ...admin, namespaces: ['team-a', '*'] })).toEqual([
      '/namespaces/1 contradictory',
    ]);
    expect(await refusalsOf({ ...admin, namespaces: ['team-a', 'team-a'] })).toEqual([
      '/namespaces/1 duplicate',
    ]);
    expect(await refusalsOf({ ...admin, namespaces: ['team-a', 'team-none'] })).toEqual([
      '/namespaces/1 unknown-namespace',
    ]);
    expect(await refusalsOf({ name: 'child', role: 'platform-admin', namespaces: ['team-a'] })).toEqual([
      '/role contradictory',
    ]);
  });

  it('a revoked key ends all keys below it at once, and no others', async () => {
    const top = await make({ name: 'top' });
    const middle = await make({ name: 'middle' }, top.key);
    const bottom = await make({ name: 'bottom' }, middle.key);
    const beside = await make({ name: 'beside' }, top.key);
    expect(await Promise.all([top, middle, bottom, beside].map(({ key }) => statusOf(key)))).toEqual([
      200, 200, 200, 200,
    ]);
    expect(await revoke(middle.id)).toBe(204);
    expect(await Promise.all([top, middle, bottom, beside].map(({ key }) => statusOf(key)))).toEqual([
      200, 401, 401, 200,
    ]);
  });

  it('a list says of a key that has ended with an ancestor which ancestor that is', async () => {
    const top = await make({ name: 'top' });
    const middle = await make({ name: 'middle' }, top.key);
    const bottom = await make({ name: 'bottom' }, middle.key);
    const endedBy = async () => {
      const ids = [top.id, middle.id, bottom.id];
      const { items } = pageSchema.parse((await get('/v1/api-keys', undefined, { limit: '500' })).body);
      return ids.map((id) => items.find((one) => one['id'] === id)?.['endedBy']);
    };
    expect(await endedBy()).toEqual([undefined, undefined, undefined]);
    await revoke(middle.id);
    expect(await endedBy()).toEqual([undefined, undefined, middle.id]);
    await revoke(top.id);
    expect(await endedBy()).toEqual([undefined, top.id, top.id]);
  });

  it('a key that is revoked while it makes a key makes none', async () => {
    const parent = await make({ name: 'parent' });
    await revokeApiKey(api.store, parent.id);
    const grant = { name: 'child', role: 'viewer', namespaces: ['*'] } as const;
    const outcome = await issueApiKey(
      api.store,
      { ...grant, namespaces: ['*'] },
      { id: parent.id, ancestors: [] },
    );
    expect(outcome).toEqual({ refused: 'parent-ended' });
  });

  it('a key has a limited number of ancestors, because each request reads them', async () => {
    let last = await make({ name: 'generation' });
    for (let generation = 1; generation < MAX_ANCESTORS; generation += 1)
      last = await make({ name: 'generation' }, last.key);
    expect(await statusOf(last.key)).toBe(200);
    expect(await refusalsOf({ name: 'generation' }, last.key)).toEqual([' too-many-ancestors']);
  });
});

describe('what a key of some namespaces sees', () => {
  it('it lists its own namespaces only, and no cursor names another one', async () => {
    const { key } = await make({ name: 'two', role: 'viewer', namespaces: ['team-c', 'team-a'] });
    const first = pageSchema.parse((await get('/v1/namespaces', key, { limit: '1' })).body);
    expect(first.items.map(({ name }) => name)).toEqual(['team-a']);
    expect(Buffer.from(first.cursor?.slice(8) ?? '', 'base64url').toString()).toBe('team-a');
    const second = await get('/v1/namespaces', key, { limit: '1', cursor: first.cursor ?? '' });
    expect(second.body).toMatchObject({ items: [{ name: 'team-c' }], cursor: null });
  });

  it('it lists and revokes keys within its own rights only, and gets 404 for others', async () => {
    const admin = await make({ name: 'admin-of-a', role: 'admin', namespaces: ['team-a'] });
    const own = await make({ name: 'own', role: 'viewer', namespaces: ['team-a'] });
    const others = await Promise.all([
      make({ name: 'of-b', role: 'viewer', namespaces: ['team-b'] }),
      make({ name: 'of-both', role: 'viewer', namespaces: ['team-a', 'team-b'] }),
      make({ name: 'of-all', role: 'viewer' }),
    ]);
    const list = await get('/v1/api-keys', admin.key, { limit: '500' });
    const ids = pageSchema.parse(list.body).items.map(({ ['id']: id }) => id);
    expect(ids).toContain(own.id);
    for (const { id, key } of others) {
      expect(ids).not.toContain(id);
      expect(await revoke(id, admin.key)).toBe(404);
      expect(await statusOf(key)).toBe(200);
    }
    expect(await revoke(own.id, admin.key)).toBe(204);
    expect(await statusOf(own.key)).toBe(401);
  });
});

it('a key that an earlier version has stored, without a role, may do everything', async () => {
  const secret = 's'.repeat(43);
  const Item = {
    pk: 'API-KEYS',
    sk: '0123456789ab',
    id: '0123456789ab',
    name: 'earlier',
    createdAt: '2026-01-01T00:00:00.000Z',
    secretHash: createHash('sha256').update(secret).digest('hex'),
  };
  await api.store.document.send(new PutCommand({ TableName: api.store.tables.access, Item }));
  const key = `fw_${Item.id}_${secret}`;
  const made = await make({ name: 'later' }, key);
  expect(made).toMatchObject({ role: 'platform-admin', namespaces: ['*'], parentId: Item.id });
  const list = pageSchema.parse((await get('/v1/api-keys', key, { limit: '500' })).body);
  expect(list.items).toContainEqual(
    expect.objectContaining({ id: Item.id, role: 'platform-admin', namespaces: ['*'] }),
  );
});

it('a viewer does not get the clouds’ own ids of disks, and an operator gets them', async () => {
  const body = JSON.stringify({
    name: KEPT_VOLUME.connection,
    driver: 'sim',
    cloud: KEPT_VOLUME.cloud,
    credential: { account: 'tests', apiKey: 'secret-of-tests' },
    endpoint: 'http://127.0.0.1:1',
  });
  const connection = await api.ask('connections', {
    method: 'POST',
    path: '/v1/namespaces/default/connections',
    headers: { 'content-type': 'application/json' },
    body,
  });
  expect(connection.status).toBe(201);
  const roles = ['viewer', 'operator'] as const;
  const seen = roles.map(async (role) => {
    const { key } = await make({ name: 'reader', role });
    const path = '/v1/namespaces/default/resources';
    const { body } = await api.ask('resources', { method: 'GET', path, headers: using(key) });
    return pageSchema.parse(body).items.map(({ ['backendId']: id }) => id);
  });
  expect(await Promise.all(seen)).toEqual([[undefined], [KEPT_VOLUME.backendId]]);
});
