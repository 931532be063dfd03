import { describe, expect, it } from 'vitest';
import {
  ApiProblem,
  ApiUnreachable,
  createClient,
  eachItem,
  UnexpectedAnswer,
} from '../../../client/index.ts';
import { type OperationId, routes } from '../../../functions/entrypoints/api/contract.ts';

type Reply = { status: number; json?: unknown; text?: string; headers?: Record<string, string> } | Error;
interface Seen {
  method: string | undefined;
  url: string;
  headers: Headers;
  body: unknown;
}

/**
 * Returns a client of an API that gives `replies` in order. `seen` lists the requests that the API got, and
 * `pauses` lists the client's pauses in ms.
 */
function clientOf(...replies: Reply[]) {
  const seen: Seen[] = [];
  const pauses: number[] = [];
  const client = createClient({
    apiUrl: 'https://api.test/',
    apiKey: 'fw_key',
    transport: {
      fetch: (url, init) => {
        seen.push({
          method: init?.method,
          url: String(url),
          headers: new Headers(init?.headers),
          body: typeof init?.body === 'string' ? JSON.parse(init.body) : undefined,
        });
        const reply = replies.shift();
        if (reply === undefined) throw new Error('one request too many');
        if (reply instanceof Error) return Promise.reject(reply);
        const text = reply.text ?? (reply.json === undefined ? null : JSON.stringify(reply.json));
        return Promise.resolve(new Response(text, { status: reply.status, headers: reply.headers ?? {} }));
      },
      pause: (ms) => {
        pauses.push(ms);
        return Promise.resolve();
      },
      random: () => 0.5,
    },
  });
  return { client, seen, pauses };
}

const lost = new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED 127.0.0.1:1') });
const page = (items: unknown[], cursor: string | null = null): Reply => ({
  status: 200,
  json: { items, cursor },
});
const namespace = { name: 'default', createdAt: '2026-01-01T00:00:00.000Z' };
const problem = {
  type: 'urn:x',
  title: 'Bad Request',
  status: 400,
  code: 'invalid-request',
  detail: 'the request has 1 error',
  requestId: 'r-1',
  errors: [{ pointer: '/name', code: 'too-small', message: 'too short' }],
};
const unavailable: Reply = { status: 503, text: 'Service Unavailable' };
const fleetBody = {
  name: 'web',
  nodeGroups: [
    { name: 'one', size: 1, connection: 'sim-aws', locations: ['x'], instanceType: 't', image: 'i' },
  ],
};

it('the client has a method for each operation of the contract', () => {
  const { client } = clientOf();
  const methods = Object.keys(client);
  expect(methods.toSorted()).toEqual(routes.map(({ operationId }): OperationId => operationId).toSorted());
});

it('the client sends method, path, query, API key and body as the contract defines them', async () => {
  const { client, seen } = clientOf(page([]), { status: 201, json: namespace });
  await client.listConnections({ params: { namespace: 'team/one' }, query: { limit: 7, cursor: undefined } });
  await client.createNamespace({ body: { name: 'default' } });
  expect(seen[0]).toMatchObject({
    method: 'GET',
    url: 'https://api.test/v1/namespaces/team%2Fone/connections?limit=7',
  });
  expect(seen[0]?.headers.get('authorization')).toBe('Bearer fw_key');
  expect(seen[0]?.headers.has('content-type')).toBe(false);
  expect(seen[1]).toMatchObject({
    method: 'POST',
    url: 'https://api.test/v1/namespaces',
    body: { name: 'default' },
  });
  expect(seen[1]?.headers.get('content-type')).toBe('application/json');
});

it('the client parses an answer with the schema of the contract, and returns undefined for an empty answer', async () => {
  const { client } = clientOf({ status: 200, json: { ...namespace, extra: 1 } }, { status: 204 });
  expect(await client.getNamespace({ params: { namespace: 'default' } })).toEqual(namespace);
  expect(await client.deleteNamespace({ params: { namespace: 'default' } })).toBeUndefined();
});

describe('refusals of the API', () => {
  it('a refusal is thrown as an ApiProblem with its code, request id and errors', async () => {
    const { client } = clientOf({ status: 400, json: problem });
    const error = await client.createNamespace({ body: { name: 'x' } }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiProblem);
    expect(error).toMatchObject({
      status: 400,
      code: 'invalid-request',
      requestId: 'r-1',
      message: problem.detail,
      errors: problem.errors,
    });
  });

  it("if a proxy in front of the API refuses a request, the error's code contains the HTTP status", async () => {
    const { client } = clientOf({ status: 403, json: { message: 'Forbidden' } });
    await expect(client.listNamespaces()).rejects.toMatchObject({ code: 'http-403', message: 'Forbidden' });
  });

  it('a redirect without JSON is thrown as a refusal, and is not followed', async () => {
    const { client, seen } = clientOf({
      status: 302,
      text: '<html>',
      headers: { location: 'https://evil.test' },
    });
    await expect(client.listNamespaces()).rejects.toMatchObject({ code: 'http-302' });
    expect(seen).toHaveLength(1);
  });

  it('a successful answer that the contract does not define is thrown as an UnexpectedAnswer', async () => {
    const { client } = clientOf({ status: 200, json: { hello: 'world' } });
    await expect(client.listNamespaces()).rejects.toBeInstanceOf(UnexpectedAnswer);
  });
});

describe('retries of the client', () => {
  it('the client repeats a read after a lost connection and after a 503', async () => {
    const { client, seen } = clientOf(lost, unavailable, page([]));
    expect(await client.listNamespaces()).toEqual({ items: [], cursor: null });
    expect(seen).toHaveLength(3);
  });

  it('the client waits longer before each retry, or for the time in a retry-after header', async () => {
    const { client, pauses } = clientOf(
      unavailable,
      { status: 429, headers: { 'retry-after': '3' } },
      unavailable,
      page([]),
    );
    await client.listNamespaces();
    expect(pauses).toEqual([200, 3_000, 800]);
  });

  it('the client gives up after five attempts, and its error contains the cause of the failure', async () => {
    const { client, seen } = clientOf(lost, lost, lost, lost, lost);
    const error = await client.listNamespaces().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiUnreachable);
    expect(String(error)).toContain('https://api.test did not answer: connect ECONNREFUSED 127.0.0.1:1');
    expect(seen).toHaveLength(5);
  });

  it('every attempt to create a fleet has the same idempotency key, whether the client generated the key or the caller gave it', async () => {
    const { client, seen } = clientOf(lost, { status: 400, json: problem }, { status: 400, json: problem });
    const input = { params: { namespace: 'default' }, body: fleetBody };
    await expect(client.createFleet(input)).rejects.toBeInstanceOf(ApiProblem);
    await expect(client.createFleet({ ...input, idempotencyKey: 'mine' })).rejects.toBeInstanceOf(ApiProblem);
    const keys = seen.map(({ headers }) => headers.get('idempotency-key'));
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(keys).toEqual([keys[0], keys[0], 'mine']);
  });

  it('the client does not repeat a write that could take effect twice, except after a 429', async () => {
    const once = clientOf(lost);
    await expect(once.client.createApiKey({ body: { name: 'robot' } })).rejects.toBeInstanceOf(
      ApiUnreachable,
    );
    expect(once.seen).toHaveLength(1);
    const refused = clientOf({ status: 429 }, { status: 201, json: namespace });
    expect(await refused.client.createNamespace({ body: { name: 'default' } })).toEqual(namespace);
  });

  it('a removal succeeds if its first answer is lost and the repeated request gets 404', async () => {
    const params = { namespace: 'default' };
    const gone = { status: 404, json: { ...problem, status: 404, code: 'not-found' } };
    const { client } = clientOf(lost, gone, gone);
    expect(await client.deleteNamespace({ params })).toBeUndefined();
    await expect(client.deleteNamespace({ params })).rejects.toMatchObject({ code: 'not-found' });
  });

  it('a removal that returns a fleet fails with not-found if its first answer is lost and the repeated request gets 404', async () => {
    const { client } = clientOf(lost, { status: 404, json: { ...problem, status: 404, code: 'not-found' } });
    const params = { namespace: 'default', fleet: 'web' };
    await expect(client.deleteFleet({ params })).rejects.toMatchObject({ code: 'not-found' });
  });

  it("the client stops its attempts when the caller's signal is aborted", async () => {
    const abort = new AbortController();
    abort.abort(new Error('enough'));
    const { client, seen } = clientOf(new DOMException('aborted', 'AbortError'));
    await expect(client.listNamespaces({ signal: abort.signal })).rejects.toThrow('enough');
    expect(seen).toHaveLength(1);
  });
});

it('eachItem reads a list to its last page, even if a page is empty', async () => {
  const { client, seen } = clientOf(
    page([namespace], 'a'),
    page([], 'b'),
    page([{ ...namespace, name: 'other' }]),
  );
  const names: string[] = [];
  for await (const { name } of eachItem(client.listNamespaces, { query: { limit: 1 } })) names.push(name);
  expect(names).toEqual(['default', 'other']);
  expect(seen.map(({ url }) => new URL(url).search)).toEqual([
    '?limit=1',
    '?limit=1&cursor=a',
    '?limit=1&cursor=b',
  ]);
});
