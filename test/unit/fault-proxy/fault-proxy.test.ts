import { createServer, type IncomingMessage, type Server } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type FaultProxy, startFaultProxy } from '../../fault-proxy/fault-proxy.ts';

let server: Server;
let address: string;
let made: string[] = [];
let proxies: FaultProxy[] = [];

beforeAll(async () => {
  server = createServer(async (incoming, outgoing) => {
    let body = '';
    for await (const chunk of incoming) body += String(chunk);
    if (incoming.method === 'POST') made.push(`${incoming.headers['x-token'] ?? 'none'} ${body}`);
    outgoing.writeHead(body === 'refuse' ? 400 : 200, { 'content-type': 'text/plain' });
    outgoing.end(`${made.length} ${address}${incoming.url ?? ''}`);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  const at = server.address();
  address = `http://127.0.0.1:${typeof at === 'object' ? at?.port : 0}`;
});
afterEach(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()));
  proxies = [];
  made = [];
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function proxy(options: Partial<Parameters<typeof startFaultProxy>[0]> = {}): Promise<FaultProxy> {
  const started = await startFaultProxy({
    upstreams: { cloud: `${address}/v2` },
    dialect: {
      callOf: ({ method }) => (method === 'POST' ? 'create' : 'list'),
      throttled: { status: 503, headers: { 'retry-after': '2' }, body: 'slow down' },
      tokens: {
        tokenOf: ({ headers }) => headers['x-token']?.toString(),
        withoutToken: ({ headers: { 'x-token': _, ...headers }, ...rest }) => ({ ...rest, headers }),
      },
    },
    ...options,
  });
  proxies.push(started);
  return started;
}

const create = (at: FaultProxy, token?: string, body = 'please') =>
  fetch(`${at.urlOf('cloud')}/things`, {
    method: 'POST',
    body,
    headers: token === undefined ? {} : { 'x-token': token },
  });

describe('the fault proxy without faults', () => {
  test('the fault proxy passes requests and answers unchanged, and records them', async () => {
    const at = await proxy();
    const answer = await create(at, 'a');
    expect([answer.status, await answer.text()]).toEqual([200, `1 ${address}/v2/things`]);
    expect(made).toEqual(['a please']);
    expect(at.seen).toMatchObject([{ call: 'create', status: 200, request: { path: '/v2/things' } }]);
  });

  test('a request succeeds even if the server closes connections that have been used before', async () => {
    const at = await proxy();
    const used = new WeakSet<object>();
    const cutUsed = ({ socket }: IncomingMessage) => {
      if (used.has(socket)) socket.destroy();
      used.add(socket);
    };
    server.prependListener('request', cutUsed);
    try {
      for (const body of ['one', 'two']) {
        const answer = await create(at, undefined, body);
        expect(answer.status).toBe(200);
        // A server announces in this header after what idle time it closes a connection.
        expect(answer.headers.get('keep-alive')).toBeNull();
        await answer.text();
      }
    } finally {
      server.off('request', cutUsed);
    }
  });

  test('the fault proxy replaces the addresses of its servers in answers if rewriteOrigins is set', async () => {
    const at = await proxy({ rewriteOrigins: true });
    expect(await (await create(at)).text()).toBe(`1 ${at.urlOf('cloud')}/things`);
  });
});

describe('faults of the fault proxy', () => {
  test("with a throttle fault, `count` calls get the cloud's throttling answer and have no effect", async () => {
    const at = await proxy();
    at.faults.arm({ call: 'create', kind: 'throttle', skip: 1, count: 1 });
    const answers = [await create(at), await create(at), await create(at)];
    expect(answers.map(({ status }) => status)).toEqual([200, 503, 200]);
    expect(answers[1]?.headers.get('retry-after')).toBe('2');
    expect(made).toHaveLength(2);
    expect(at.faults.struck).toBe(1);
  });

  test.each([
    ['reset', 0],
    ['loseReplyBeforeEffect', 0],
    ['loseReplyAfterEffect', 1],
  ] as const)(
    'with the fault %s, the caller gets no answer and the call has %i effects at the server',
    async (kind, effects) => {
      const at = await proxy();
      at.faults.arm({ call: 'create', kind });
      await expect(create(at)).rejects.toThrow('fetch failed');
      expect(made).toHaveLength(effects);
      at.calm();
      expect((await create(at)).status).toBe(200);
    },
  );

  test('with the fault `hang` a call gets no answer, with the fault `delay` a late answer, and other calls are not affected', async () => {
    const at = await proxy();
    at.faults.arm({ call: 'create', kind: 'hang', count: 1 }, { call: 'create', kind: 'delay', delayMs: 40 });
    const url = `${at.urlOf('cloud')}/things`;
    await expect(fetch(url, { method: 'POST', signal: AbortSignal.timeout(80) })).rejects.toThrow('timeout');
    const startedMs = performance.now();
    expect((await fetch(url)).status).toBe(200);
    expect((await create(at)).status).toBe(200);
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(39);
  });

  test("a fault can replace the server's answer, before or after the call has its effect", async () => {
    const at = await proxy();
    const answer = { status: 418, body: 'no' };
    at.faults.arm(
      { call: 'create', kind: 'answer', answer, count: 1 },
      { call: '*', kind: 'answerAfterEffect', answer },
    );
    expect([(await create(at)).status, made.length]).toEqual([418, 0]);
    expect([(await create(at)).status, made.length]).toEqual([418, 1]);
  });
});

describe('the idempotency modes of the fault proxy', () => {
  test('if the fault proxy adds idempotency, calls with the same token have one effect, even if they are concurrent or a reply is lost', async () => {
    const at = await proxy({ idempotency: 'add' });
    const texts = await Promise.all(
      ['a', 'a', 'b'].map(async (token) => await (await create(at, token)).text()),
    );
    expect(texts[0]).toBe(texts[1]);
    expect(made).toHaveLength(2);
    at.faults.arm({ call: 'create', kind: 'loseReplyAfterEffect', count: 1 });
    await expect(create(at, 'c')).rejects.toThrow();
    expect((await create(at, 'c')).status).toBe(200);
    expect(made).toHaveLength(3);
    await Promise.all([create(at), create(at)]);
    expect(made).toHaveLength(5);
  });

  test('if the fault proxy adds idempotency, a refused request may be repeated with the same token', async () => {
    const at = await proxy({ idempotency: 'add' });
    expect((await create(at, 'a', 'refuse')).status).toBe(400);
    expect((await create(at, 'a')).status).toBe(200);
  });

  test('if the fault proxy removes idempotency, the server gets requests without a token', async () => {
    const at = await proxy({ idempotency: 'remove' });
    await create(at, 'a');
    expect(made).toEqual(['none please']);
  });
});
