import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { type OperationId, routes } from '../../../../functions/entrypoints/api/contract.ts';
import type { Route } from '../../../../functions/entrypoints/api/routes/route.ts';
import { createNamespace } from '../../../../functions/platform/store/namespaces.ts';
import { furnish } from '../../../engine/api/furnish.ts';
import { InProcessApi } from './any-input/api.ts';
import type { Request } from './event.ts';

const all: readonly Route[] = routes;
const api = new InProcessApi();
beforeAll(async () => {
  await api.open();
  await furnish(api.store, 'default');
  for (const name of ['team-a', 'team-b', 'team-c']) await createNamespace(api.store, { name });
});
afterAll(() => api.close());

const problemSchema = z.object({
  code: z.string(),
  detail: z.string(),
  errors: z.array(z.object({ pointer: z.string(), code: z.string(), message: z.string() })),
});

async function errorsOf(operationId: OperationId, request: Request): Promise<string[]> {
  const { status, body } = await ask(operationId, request);
  expect(status).toBe(400);
  return problemSchema.parse(body).errors.map(({ pointer, code }) => `${pointer} ${code}`);
}

async function ask(operationId: OperationId, request: Request) {
  const route = all.find((one) => one.operationId === operationId);
  if (!route) throw new Error(`no operation ${operationId}`);
  const path = route.path.replace('{namespace}', 'default').replace('{connection}', 'sim-aws');
  return await api.ask(route.handler, { method: route.method, path, ...request });
}

const json = (body: string): Request => ({ headers: { 'content-type': 'application/json' }, body });

describe('the headers of an answer', () => {
  it.each(all.map((one) => [one.operationId, one] as const))(
    '%s tells caches to store nothing and browsers to guess, frame and refer nothing',
    async (_id, { handler, method, path }) => {
      const answers = [
        await api.ask(handler, { method, path: path.replaceAll(/\{\w+\}/g, 'no-such-thing') }),
        await api.ask(handler, { method, path, headers: { authorization: 'Bearer no' } }),
      ];
      for (const { headers } of answers) {
        expect(headers).toMatchObject({
          'cache-control': 'no-store',
          'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
          'referrer-policy': 'no-referrer',
          'strict-transport-security': expect.stringMatching(/^max-age=[0-9]{8}/),
          'x-content-type-options': 'nosniff',
          'x-frame-options': 'DENY',
        });
      }
    },
  );

  it('the answer that contains an API key is not stored by caches', async () => {
    const answer = await ask('createApiKey', json('{"name":"robot"}'));
    expect(answer).toMatchObject({ status: 201, headers: { 'cache-control': 'no-store' } });
  });
});

describe('HEAD', () => {
  it.each(all.filter(({ method }) => method === 'GET').map((one) => [one.operationId, one] as const))(
    'HEAD at the path of %s has the status and the headers of GET, and no body',
    async (_id, { handler, path }) => {
      const filled = path.replace('{namespace}', 'default').replaceAll(/\{\w+\}/g, 'sim-aws');
      const [get, head] = [
        await api.ask(handler, { method: 'GET', path: filled }),
        await api.ask(handler, { method: 'HEAD', path: filled }),
      ];
      expect(head).toEqual({ ...get, body: undefined });
    },
  );

  it('HEAD is refused at a path without GET', async () => {
    const answer = await api.ask('fleets', {
      method: 'HEAD',
      path: '/v1/namespaces/default/fleet-validations',
    });
    expect(answer).toMatchObject({ status: 405, headers: { allow: 'POST' }, body: undefined });
  });
});

describe('a cursor', () => {
  const pageSchema = z.object({ cursor: z.string() });
  const cursorOf = async (id: OperationId, query: Record<string, string> = {}) =>
    pageSchema.parse((await ask(id, { query: { ...query, limit: '1' } })).body).cursor;
  const refused = ['?cursor invalid-cursor'];

  it('leads to the next page of its list, with another limit too', async () => {
    const cursor = await cursorOf('listLocations');
    expect((await ask('listLocations', { query: { cursor, limit: '2' } })).status).toBe(200);
  });

  it('is refused by another list, by the same list with another filter, and without its first part', async () => {
    const cursor = await cursorOf('listLocations');
    expect(await errorsOf('listOffers', { query: { cursor } })).toEqual(refused);
    expect(await errorsOf('listConnections', { query: { cursor } })).toEqual(refused);
    expect(await errorsOf('listLocations', { query: { cursor, available: 'true' } })).toEqual(refused);
    expect(await errorsOf('listLocations', { query: { cursor: cursor.slice(8) } })).toEqual(refused);
  });

  it('is refused by the same list of another connection', async () => {
    const cursor = await cursorOf('listLocations');
    const path = '/v1/namespaces/default/connections/sim-gcp/locations';
    expect(await errorsOf('listLocations', { path, query: { cursor } })).toEqual(refused);
  });
});

describe('a number', () => {
  it.each([
    '1e400',
    '-1e400',
    '-0',
    '1.5',
    '9007199254740993',
    '1e21',
    '"NaN"',
    '"1"',
    'null',
    'true',
    '[1]',
  ])('the size %s of a node group is refused with its field', async (size) => {
    const group =
      '"connection":"sim-aws","locations":["us-east-1"],"instanceType":"m6i.large","image":"ubuntu-24.04"';
    const body = `{"name":"web","nodeGroups":[{"name":"web",${group},"size":${size}}]}`;
    const errors = await errorsOf('createFleet', json(body));
    expect(errors[0]).toMatch(/^\/nodeGroups\/0\/size /);
  });

  it.each([
    'NaN',
    'Infinity',
    '0x10',
    '+1',
    '01',
    '1e400',
    '-0',
    '1.5',
    ' 5',
    '',
    '99999999999999999999',
    '٣',
  ])('the page limit "%s" is refused with its parameter', async (limit) => {
    const errors = await errorsOf('listConnections', { query: { limit } });
    expect(errors).toEqual([expect.stringMatching(/^\?limit /)]);
  });

  it('a price of 1e400 in a query is refused with its parameter', async () => {
    expect(await errorsOf('listOffers', { query: { maxUsdPerHour: '1e400' } })).toEqual([
      '?maxUsdPerHour invalid-type',
    ]);
  });
});

describe('malformed input', () => {
  it('a parameter that is given twice, or is not percent-encoded UTF-8, is refused with its name', async () => {
    const path = '/v1/namespaces/default/connections';
    const raw = (text: string) => errorsOf('listConnections', { path, rawQuery: text });
    expect(await raw('limit=1&limit=1')).toEqual(['?limit duplicate-key']);
    expect(await raw('limit=%E0%A4%A')).toEqual(['?limit invalid-format']);
    expect(await raw('%ff=1')).toEqual(['? invalid-format']);
  });

  it('a duplicate key is refused with its pointer, in objects of every depth', async () => {
    const body = '{"name":"web","nodeGroups":[{"name":"a","name":"b"}],"name":"x"}';
    expect(await errorsOf('validateFleet', json(body))).toEqual(
      expect.arrayContaining(['/nodeGroups/0/name duplicate-key', '/name duplicate-key']),
    );
  });
});

describe('a secret', () => {
  const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
  const bodies = [
    `{"credential":{"${SECRET}":"x"}}`,
    `{"credential":"${SECRET}"}`,
    `{"credential":["${SECRET}"]}`,
    `{"credential":{"accessKeyId":"${SECRET}","accessKeyId":"${SECRET}"}}`,
    `{"credential":{"account":{"${SECRET}":1}}}`,
    `{"credential":{"account":"${SECRET}\\u0000"}}`,
    `{"credential":{"account":"${SECRET}}`,
    `{"credential":{"wJalrXUtnFEMI7":"x"}}`,
  ];
  it.each(bodies)('that is malformed is not repeated by the answer to %s', async (body) => {
    for (const id of ['rotateCredential', 'createConnection'] as const) {
      const whole =
        id === 'rotateCredential' ? body : body.replace('{', '{"name":"new","driver":"sim","cloud":"aws",');
      const answer = await ask(id, json(whole));
      expect(answer.status).toBe(400);
      expect(JSON.stringify(answer)).not.toContain('wJalr');
    }
  });

  it('a misspelt name of a field is repeated, so that the user finds it', async () => {
    const body = '{"credential":{"acount":"x"}}';
    expect(await errorsOf('rotateCredential', json(body))).toContain('/credential/acount unrecognized-key');
  });
});
