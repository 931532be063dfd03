import { createPublicKey } from 'node:crypto';
import { SignJWT } from 'jose';
import { OAuth2Server } from 'oauth2-mock-server';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { openConnections } from '../../../../functions/drivers/contract/outgoing-connections.ts';
import {
  requestsThrough,
  type SendRequest,
} from '../../../../functions/drivers/contract/outgoing-requests.ts';
import type { Subject } from '../../../../functions/model/binding.ts';
import { openVerifier } from '../../../../functions/platform/identity/verify-token.ts';
import { logger } from '../../../../functions/platform/runtime/logger.ts';
import { createBinding } from '../../../../functions/platform/store/bindings.ts';
import { createNamespace } from '../../../../functions/platform/store/namespaces.ts';
import { LOCAL_ADDRESSES } from '../../../samples/drivers.ts';
import { InProcessApi } from './any-input/api.ts';

const AUDIENCE = 'https://fleetwright.example';
const ADMIN = { kind: 'key', name: 'test' } as const;
const problemSchema = z.object({ code: z.string(), detail: z.string() });
const namesSchema = z.object({ items: z.array(z.object({ name: z.string() })) });

const server = new OAuth2Server();
let issuer: string;
/** What the issuer answers in place of its own answer; and the time, for the caches of keys. */
let outage: Error | (() => Response) | undefined;
let asked: string[];
let nowMs: number;
let api: InProcessApi;

beforeAll(async () => {
  await server.issuer.keys.generate('RS256', { kid: 'first' });
  await server.start(0, '127.0.0.1');
  issuer = server.issuer.url ?? '';
});
afterAll(() => server.stop());

beforeEach(async () => {
  vi.spyOn(logger, 'info').mockImplementation(() => undefined);
  [outage, asked, nowMs] = [undefined, [], Date.now()];
  const real = requestsThrough(openConnections(LOCAL_ADDRESSES));
  const send: SendRequest = async (request, signal) => {
    asked.push(new URL(request.url).pathname);
    if (outage instanceof Error) throw outage;
    return outage?.() ?? (await real(request, signal));
  };
  const settings = { issuer, audience: AUDIENCE, subjectClaim: 'sub', groupsClaim: 'groups' };
  const verify = openVerifier(settings, send, { now: () => nowMs });
  api = new InProcessApi({ issuer, verify, firstAdministrator: 'the-first' });
  await api.open();
  for (const name of ['team-a', 'team-b', 'team-c']) await createNamespace(api.store, { name });
});
afterEach(() => {
  api.close();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

interface TokenOptions {
  kid?: string;
  expiresIn?: number;
  header?: Record<string, unknown>;
  [claim: string]: unknown;
}

function token({ kid = 'first', expiresIn = 3_600, header = {}, ...claims }: TokenOptions = {}) {
  return server.issuer.buildToken({
    kid,
    expiresIn,
    scopesOrTransform: (head, payload) => {
      Object.assign(head, header);
      Object.assign(payload, { aud: AUDIENCE, sub: 'ada', ...claims });
    },
  });
}

const get = (path: string, credential: string) =>
  api.ask('access', { method: 'GET', path, headers: { authorization: `Bearer ${credential}` } });
const send = (method: string, path: string, credential: string, body?: object) =>
  api.ask('access', {
    method,
    path,
    headers: { authorization: `Bearer ${credential}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
const bind = (
  subject: Pick<Subject, 'kind' | 'name'>,
  role: 'viewer' | 'operator' | 'admin',
  ...namespaces: string[]
) =>
  createBinding(
    api.store,
    subject.kind === 'aws' ? subject : { ...subject, issuer },
    { role, namespaces },
    ADMIN,
  );
const ada = { kind: 'user', name: 'ada' } as const;

describe('a token of the issuer', () => {
  it('lets a user in with the role of its binding, and the log names the issuer and the user', async () => {
    await bind(ada, 'viewer', 'team-a');
    const { body } = await get('/v1/namespaces', await token());
    expect(namesSchema.parse(body).items).toEqual([{ name: 'team-a' }]);
    expect(logger.info).toHaveBeenCalledWith(
      'request',
      expect.objectContaining({ actor: { kind: 'user', name: `${issuer}#ada` } }),
    );
  });

  const HOUR = 3_600;
  it.each<[string, TokenOptions, string]>([
    ['that has expired', { expiresIn: -HOUR }, 'has expired'],
    ['without an expiry', { exp: undefined }, 'has no time of expiry'],
    ['that is not valid yet', { nbf: Math.floor(Date.now() / 1_000) + HOUR }, 'is not valid yet'],
    ['for another audience', { aud: 'https://other.example' }, 'is for another audience'],
    ['without an audience', { aud: undefined }, 'is for another audience'],
    ['of another issuer', { iss: 'https://other.example' }, 'is of another issuer'],
    [
      'with an unknown key',
      { header: { kid: 'unknown' } },
      'is signed with a key that its issuer does not have',
    ],
    ['without a user', { sub: undefined }, 'has no claim sub'],
    ['with groups that are no names', { groups: [1] }, 'has a claim groups that is no list of names'],
    [
      'with too many groups',
      { groups: Array.from({ length: 201 }, (_, at) => `g${at}`) },
      'has more than 200 groups',
    ],
  ])('%s is refused with the reason', async (_what, options, reason) => {
    await bind(ada, 'viewer', 'team-a');
    const answer = await get('/v1/namespaces', await token(options));
    expect([answer.status, problemSchema.parse(answer.body).detail]).toEqual([
      401,
      expect.stringContaining(`the token ${reason}`),
    ]);
    expect(answer.headers['www-authenticate']).toContain('error="invalid_token"');
  });

  it('with a changed payload, without a signature, or signed with the public key as a secret is refused', async () => {
    await bind(ada, 'viewer', 'team-a');
    const [head = '', , signature = ''] = (await token()).split('.');
    const payload = Buffer.from(
      JSON.stringify({ iss: issuer, aud: AUDIENCE, sub: 'ada', exp: Math.floor(Date.now() / 1_000) + HOUR }),
    ).toString('base64url');
    const changed = await get('/v1/namespaces', `${head}.${payload}.${signature}`);
    expect(problemSchema.parse(changed.body).detail).toContain('has a wrong signature');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const [jwk] = server.issuer.keys.toJSON();
    const secrets = [JSON.stringify(jwk), createPublicKey({ key: { ...jwk }, format: 'jwk' })];
    const signed = secrets.map((secret) =>
      new SignJWT({ sub: 'ada' })
        .setProtectedHeader({ alg: 'HS256', kid: 'first' })
        .setIssuer(issuer)
        .setAudience(AUDIENCE)
        .setExpirationTime('1h')
        .sign(
          Buffer.from(typeof secret === 'string' ? secret : secret.export({ type: 'spki', format: 'pem' })),
        ),
    );
    for (const forged of [`${none}.${payload}.`, ...(await Promise.all(signed))]) {
      const { status, body } = await get('/v1/namespaces', forged);
      expect([status, problemSchema.parse(body).detail]).toEqual([
        401,
        expect.stringContaining('is not signed with an accepted algorithm'),
      ]);
    }
  });

  it('of a user without a binding is refused with 403, and the text says who that is', async () => {
    const answer = await get('/v1/namespaces', await token({ sub: 'eve' }));
    expect([answer.status, problemSchema.parse(answer.body).detail]).toEqual([
      403,
      expect.stringMatching(/the user eve of .* has no role: .*fleetwright binding create/),
    ]);
  });

  it('of the first administrator has all rights without a binding', async () => {
    const first = await token({ sub: 'the-first' });
    expect((await send('POST', '/v1/namespaces', first, { name: 'team-new' })).status).toBe(201);
  });
});

describe('the keys of the issuer', () => {
  it('are read once, and read again when a token has a new key, after a pause', async () => {
    await bind(ada, 'viewer', 'team-a');
    for (let request = 0; request < 3; request += 1)
      expect((await get('/v1/namespaces', await token())).status).toBe(200);
    expect(asked).toEqual(['/.well-known/openid-configuration', '/jwks']);
    await server.issuer.keys.generate('ES256', { kid: 'second' });
    expect((await get('/v1/namespaces', await token({ kid: 'second' }))).status).toBe(401);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31_000 });
    expect((await get('/v1/namespaces', await token({ kid: 'second' }))).status).toBe(200);
    expect(asked).toHaveLength(3);
  });

  it('are used for a day while the issuer is down, and without them the answer is 503', async () => {
    await bind(ada, 'viewer', 'team-a');
    outage = () => new Response('', { status: 503 });
    const down = await get('/v1/namespaces', await token());
    expect([down.status, problemSchema.parse(down.body)]).toEqual([
      503,
      {
        code: 'issuer-unreachable',
        detail: expect.stringMatching(/cannot be read: it answered 503.*use an API key/),
      },
    ]);
    await get('/v1/namespaces', await token());
    expect(asked).toHaveLength(1);
    outage = undefined;
    nowMs += 11_000;
    expect((await get('/v1/namespaces', await token())).status).toBe(200);
    outage = new Error('no route');
    for (const hours of [1, 23]) {
      nowMs = Date.now() + hours * 3_600_000;
      vi.useFakeTimers({ toFake: ['Date'], now: nowMs });
      expect((await get('/v1/namespaces', await token())).status, `${hours} h`).toBe(200);
      vi.useRealTimers();
    }
    nowMs = Date.now() + 25 * 3_600_000;
    vi.useFakeTimers({ toFake: ['Date'], now: nowMs });
    expect((await get('/v1/namespaces', await token())).status).toBe(503);
  });

  it.each([
    ['names another issuer', { issuer: 'https://other.example', jwks_uri: 'https://other.example/jwks' }],
    ['is no discovery document', { keys: [] }],
  ])('are not read if the discovery document %s', async (_what, document) => {
    outage = () => Response.json(document);
    expect((await get('/v1/namespaces', await token())).status).toBe(503);
    expect(asked).toEqual(['/.well-known/openid-configuration']);
  });

  it('are not read if the answer is too long', async () => {
    outage = () => new Response('x'.repeat(300_000));
    const { body } = await get('/v1/namespaces', await token());
    expect(problemSchema.parse(body).detail).toContain('more than');
  });
});

describe('bindings', () => {
  const groups = ['ops', 'dev'];

  it('of a user and of its groups add up, each role in its own namespaces', async () => {
    await bind({ kind: 'group', name: 'ops' }, 'admin', 'team-a');
    await bind({ kind: 'group', name: 'dev' }, 'viewer', 'team-b');
    const user = await token({ groups });
    const names = namesSchema.parse((await get('/v1/namespaces', user)).body).items.map(({ name }) => name);
    expect(names).toEqual(['team-a', 'team-b']);
    expect((await get('/v1/namespaces/team-b', user)).status).toBe(200);
    expect((await get('/v1/namespaces/team-c', user)).status).toBe(404);
    const inB = await send('POST', '/v1/api-keys', user, { name: 'robot', namespaces: ['team-b'] });
    expect(inB.status).toBe(400);
    const inA = await send('POST', '/v1/api-keys', user, { name: 'robot', namespaces: ['team-a'] });
    expect(inA.status).toBe(201);
  });

  it('are made, listed, read and deleted within the rights of the caller only', async () => {
    await bind(ada, 'admin', 'team-a');
    await bind({ kind: 'user', name: 'bob' }, 'admin', 'team-b');
    const user = await token();
    const body = { kind: 'group', name: 'dev', role: 'operator' };
    const made = await send('POST', '/v1/bindings', user, body);
    const { id } = z.object({ id: z.string() }).parse(made.body);
    expect([made.status, made.body]).toEqual([
      201,
      expect.objectContaining({
        namespaces: ['team-a'],
        issuer,
        createdBy: { kind: 'user', name: `${issuer}#ada` },
      }),
    ]);
    expect((await send('POST', '/v1/bindings', user, body)).body).toEqual(made.body);
    for (const wrong of [{ role: 'platform-admin' }, { namespaces: ['team-b'] }, { namespaces: ['*'] }])
      expect((await send('POST', '/v1/bindings', user, { ...body, ...wrong })).status).toBe(400);
    const list = namesSchema.parse((await get('/v1/bindings', user)).body).items.map(({ name }) => name);
    expect(list.toSorted()).toEqual(['ada', 'dev']);
    const bob = await token({ sub: 'bob' });
    expect((await get(`/v1/bindings/${id}`, bob)).status).toBe(404);
    expect((await send('DELETE', `/v1/bindings/${id}`, bob)).status).toBe(404);
    expect((await get(`/v1/bindings/${id}`, user)).status).toBe(200);
    expect((await send('DELETE', `/v1/bindings/${id}`, user)).status).toBe(204);
    expect((await send('DELETE', `/v1/bindings/${id}`, user)).status).toBe(404);
  });

  it('that two requests make together are both kept', async () => {
    const made = await Promise.all(['team-a', 'team-b', 'team-c'].map((name) => bind(ada, 'viewer', name)));
    expect(new Set(made.map((one) => ('binding' in one ? one.binding.id : ''))).size).toBe(3);
    expect(namesSchema.parse((await get('/v1/namespaces', await token())).body).items).toHaveLength(3);
  });

  it('are not made by keys that expire or have caps, which they would outlive or exceed', async () => {
    const body = { kind: 'aws', name: 'arn:aws:iam::123456789012:role/x', role: 'viewer' };
    const first = await token({ sub: 'the-first' });
    const key = await send('POST', '/v1/api-keys', first, { name: 'robot', role: 'admin' });
    const { key: secret } = z.object({ key: z.string() }).parse(key.body);
    expect((await send('POST', '/v1/bindings', secret, body)).status).toBe(403);
    expect((await send('POST', '/v1/bindings', first, body)).status).toBe(201);
  });

  it('of a namespace that does not exist, and of a name that is no ARN, are refused with the field', async () => {
    const first = await token({ sub: 'the-first' });
    const errorsOf = async (body: object) => {
      const answer = await send('POST', '/v1/bindings', first, { role: 'viewer', ...body });
      const { errors } = z
        .object({ errors: z.array(z.object({ pointer: z.string(), code: z.string() })) })
        .parse(answer.body);
      return errors.map(({ pointer, code }) => `${pointer} ${code}`);
    };
    expect(await errorsOf({ kind: 'user', name: 'x', namespaces: ['team-none'] })).toEqual([
      '/namespaces/0 unknown-namespace',
    ]);
    expect(await errorsOf({ kind: 'aws', name: 'x' })).toEqual(['/name invalid-format']);
  });
});

describe('an API key that a user makes', () => {
  const keySchema = z.object({ id: z.string(), key: z.string(), expiresAt: z.string(), madeBy: z.unknown() });

  it('expires after 90 days at the latest, and says who made it', async () => {
    await bind(ada, 'admin', 'team-a');
    const user = await token();
    const made = keySchema.parse((await send('POST', '/v1/api-keys', user, { name: 'robot' })).body);
    const days = (Date.parse(made.expiresAt) - Date.now()) / 86_400_000;
    expect([Math.round(days), made.madeBy]).toEqual([90, { kind: 'user', name: `${issuer}#ada` }]);
    const expiresAt = new Date(Date.now() + 100 * 86_400_000).toISOString();
    expect((await send('POST', '/v1/api-keys', user, { name: 'robot', expiresAt })).status).toBe(400);
  });

  it('can do only what its user can do now, also through keys that it makes, and ends with the last binding', async () => {
    const wide = await bind(ada, 'admin', 'team-a', 'team-b');
    const user = await token();
    const parent = keySchema.parse((await send('POST', '/v1/api-keys', user, { name: 'robot' })).body);
    const child = keySchema.parse((await send('POST', '/v1/api-keys', parent.key, { name: 'robot' })).body);
    const seen = async (key: string) => {
      const answer = await get('/v1/namespaces', key);
      return answer.status === 200
        ? namesSchema.parse(answer.body).items.map(({ name }) => name)
        : answer.status;
    };
    expect(await seen(child.key)).toEqual(['team-a', 'team-b']);
    const narrow = await bind(ada, 'viewer', 'team-b', 'team-c');
    const unbind = async (outcome: typeof wide) =>
      await send(
        'DELETE',
        `/v1/bindings/${'binding' in outcome ? outcome.binding.id : ''}`,
        await token({ sub: 'the-first' }),
      );
    expect((await unbind(wide)).status).toBe(204);
    expect([await seen(parent.key), await seen(child.key)]).toEqual([['team-b'], ['team-b']]);
    expect((await send('POST', '/v1/api-keys', parent.key, { name: 'robot' })).status).toBe(403);
    await unbind(narrow);
    expect([await seen(parent.key), await seen(child.key)]).toEqual([401, 401]);
  });
});

describe('a request that API Gateway has authorized with IAM', () => {
  const session = 'arn:aws:sts::123456789012:assumed-role/deployer/run-7';
  const asked = (arn: string) =>
    api.ask('access', {
      method: 'GET',
      path: '/v1/namespaces',
      headers: { authorization: 'AWS4-HMAC-SHA256 x' },
      iamArn: arn,
    });

  it.each([
    ['a role with a path', 'arn:aws:iam::123456789012:role/ci/deployer', session],
    ['a user', 'arn:aws:iam::123456789012:user/ops/ada', 'arn:aws:iam::123456789012:user/ops/ada'],
  ])('is that of the binding of %s, and the log names the ARN of the caller', async (_what, name, arn) => {
    expect((await asked(arn)).status).toBe(403);
    const first = await token({ sub: 'the-first' });
    const body = { kind: 'aws', name, role: 'viewer', namespaces: ['team-b'] };
    expect((await send('POST', '/v1/bindings', first, body)).status).toBe(201);
    expect(namesSchema.parse((await asked(arn)).body).items).toEqual([{ name: 'team-b' }]);
    expect(logger.info).toHaveBeenCalledWith(
      'request',
      expect.objectContaining({ actor: { kind: 'user', name: arn } }),
    );
    expect((await asked('arn:aws:sts::123456789012:assumed-role/other/run-7')).status).toBe(403);
  });
});
