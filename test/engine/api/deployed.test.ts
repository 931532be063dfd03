import { readFileSync } from 'node:fs';
import { describe, expect, inject, it } from 'vitest';
import { createClient } from '../../../client/index.ts';
import { accountKey } from '../../../local/sim/engine/account-key.ts';

const stack = inject('stack');
const client = createClient(stack);
const { namespace } = stack;
const fleets = `/v1/namespaces/${namespace}/fleets`;

async function ask(
  path: string,
  { headers, ...init }: RequestInit & { headers?: Record<string, string> } = {},
) {
  const response = await fetch(`${stack.apiUrl}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${stack.apiKey}`, ...headers },
  });
  const body: unknown = await response.json();
  return { status: response.status, headers: response.headers, body };
}

describe('the deployed API', () => {
  it.each([
    ['no key', fleets, ''],
    ['no key for an unknown path', '/v1/nothing', ''],
    ['another scheme', fleets, 'Basic Zm9vOmJhcg=='],
    ['a key that was never issued', fleets, `Bearer fw_000000000000_${'a'.repeat(43)}`],
  ])('the deployed API answers a request with %s with 401', async (_what, path, authorization) => {
    const { status, headers, body } = await ask(path, { headers: { authorization } });
    expect([status, headers.get('content-type')]).toEqual([401, 'application/problem+json']);
    expect(headers.get('www-authenticate')).toMatch(/^Bearer/);
    expect(body).toMatchObject({ code: 'unauthorized', requestId: expect.stringMatching(/./) });
  });

  it.each([
    ['GET', '/v1/nothing', 404, 'not-found'],
    ['GET', '/', 404, 'not-found'],
    ['PUT', fleets, 405, 'method-not-allowed'],
    ['GET', '/v1/namespaces/NO%20NAME/fleets', 400, 'invalid-request'],
    ['GET', `${fleets}?limit=1&limit=2`, 400, 'invalid-request'],
    ['GET', `${fleets}?color=red`, 400, 'invalid-request'],
    ['GET', `${fleets}/no-such-fleet`, 404, 'not-found'],
  ])('the deployed API answers %s %s with %i', async (method, path, status, code) => {
    const answer = await ask(path, { method });
    expect(answer).toMatchObject({ status, body: { status, code } });
    if (status === 405) expect(answer.headers.get('allow')).toBe('POST, GET, HEAD');
  });

  it.each([
    ['malformed JSON', '{', 'application/json', 400, 'malformed-json'],
    ['more than 256 KB', `{"name": "${'x'.repeat(256 * 1_024)}"}`, 'application/json', 413, 'body-too-large'],
    ['YAML', 'name: web', 'application/yaml', 415, 'unsupported-media-type'],
    [
      'bytes that are not UTF-8',
      new Uint8Array([0xff, 0xfe, 0x7b]),
      'application/json',
      400,
      'malformed-json',
    ],
  ])('the deployed API refuses a body with %s', async (_what, body, type, status, code) => {
    const answer = await ask(fleets, { method: 'POST', body, headers: { 'content-type': type } });
    expect(answer).toMatchObject({ status, body: { code } });
  });

  it('the deployed API serves the OpenAPI document of the repository', async () => {
    const written = readFileSync(new URL('../../../docs/openapi.json', import.meta.url), 'utf8');
    expect(await client.getOpenApi()).toEqual(JSON.parse(written));
  });

  it('the deployed function of each list operation may read its tables', async () => {
    const params = { namespace, connection: 'sim-aws' };
    const query = { limit: 2 };
    const lists = await Promise.all([
      client.listNamespaces({ query }),
      client.listApiKeys({ query }),
      client.listDrivers(),
      client.listConnections({ params: { namespace }, query }),
      client.listLocations({ params, query }),
      client.listInstanceTypes({ params, query }),
      client.listOffers({ params, query }),
      client.listImages({ params, query }),
    ]);
    for (const { items } of lists) expect(items.length).toBeGreaterThan(0);
    expect(await client.listFleets({ params: { namespace }, query })).toHaveProperty('cursor');
  });

  it('a connection is created, verified by its driver, and deleted', async () => {
    const params = { namespace, connection: 'api-test' };
    const endpoint = stack.simUrl;
    const credential = { account: 'api-test', apiKey: accountKey(stack.simKey, 'api-test') };
    await client.createConnection({
      params: { namespace },
      body: { name: 'api-test', driver: 'sim', cloud: 'ncp', endpoint, credential },
    });
    await expect
      .poll(async () => (await client.getConnection({ params })).status, { timeout: 30_000, interval: 250 })
      .toBe('Ready');
    await client.syncInventory({ params });
    await client.deleteConnection({ params });
    await expect(client.getConnection({ params })).rejects.toMatchObject({ code: 'not-found' });
  });
});
