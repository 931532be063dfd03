import { type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { request as requestSecurely } from 'node:https';

/** A request that the proxy has read completely. */
export interface ProxiedRequest {
  /** Name of the server that the request is for. */
  upstream: string;
  method: string;
  /** Path and query. */
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface ProxiedResponse {
  status: number;
  headers: OutgoingHttpHeaders;
  body: Buffer;
}

/**
 * Headers that the proxy does not pass on. Each of them belongs to one connection, or may not match the body
 * that the proxy sends.
 */
const NOT_PASSED_ON: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'content-length',
  'expect',
  // Without this header, the server does not compress its answer. The proxy must read the body of the answer.
  'accept-encoding',
]);

export async function readBody(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/**
 * Sends a request to `base` and reads the whole answer. Opens a new connection for each request, because a
 * server could close an idle connection just when the next request is sent.
 */
export async function forward(base: URL, asked: ProxiedRequest): Promise<ProxiedResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const send = base.protocol === 'https:' ? requestSecurely : request;
  const outgoing = send(
    {
      protocol: base.protocol,
      agent: false,
      hostname: base.hostname.replace(/^\[|\]$/g, ''),
      port: base.port,
      method: asked.method,
      path: asked.path,
      headers: { ...passedOn(asked.headers), host: base.host, 'content-length': asked.body.length },
    },
    resolve,
  );
  outgoing.once('error', reject);
  outgoing.end(asked.body);
  const answer = await promise;
  const body = await readBody(answer);
  return { status: answer.statusCode ?? 502, headers: passedOn(answer.headers), body };
}

function passedOn(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !NOT_PASSED_ON.has(name)));
}
