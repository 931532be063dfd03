import { createServer } from 'node:http';
import { afterEach } from 'vitest';
import * as z from 'zod';

export interface Asked {
  /** Method and path, without the prefix `/spider` and without the query: `GET /region/x`. */
  call: string;
  body: unknown;
}

const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/**
 * Starts a server that records each request and answers with the result of `answer`. The server stops when
 * the test ends.
 */
export async function startAnswering(answer: (asked: Asked) => { status?: number; body: unknown }) {
  const asked: Asked[] = [];
  const server = createServer(async (incoming, outgoing) => {
    let text = '';
    for await (const chunk of incoming.setEncoding('utf8')) text += String(chunk);
    const path = new URL(incoming.url ?? '', 'http://server').pathname.replace('/spider', '');
    const one = { call: `${incoming.method} ${path}`, body: text === '' ? undefined : JSON.parse(text) };
    asked.push(one);
    const { status = 200, body } = answer(one);
    outgoing.writeHead(status, { 'content-type': 'application/json' });
    outgoing.end(JSON.stringify(body));
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  closers.push(() => server.close().closeAllConnections());
  const { port } = z.object({ port: z.number() }).parse(server.address());
  return { url: `http://127.0.0.1:${port}`, asked };
}
