import * as http from 'node:http';
import * as https from 'node:https';
import type { OutgoingConnections } from './outgoing-connections.ts';
import type { Send } from './surroundings.ts';

/** Sends a request over connections whose addresses are checked, like `fetch` without redirects. */
export type SendRequest = (request: Request, signal: AbortSignal) => Promise<Response>;

/** Returns a driver's `Send`, over connections whose addresses are checked. */
export function sendThrough(connections: OutgoingConnections): Send {
  const send = requestsThrough(connections);
  return (request, signal, permit) => {
    permit.use();
    return send(request, signal);
  };
}

/**
 * Returns a function that sends requests. It follows no redirect: an answer with a redirect is returned as it is. It does
 * not decompress answers, because it does not ask for compressed ones. As with `fetch`, an aborted request rejects with
 * the reason of its signal, and so does its body.
 */
export function requestsThrough(connections: OutgoingConnections): SendRequest {
  return async (request, signal) => {
    const body = Buffer.from(await request.arrayBuffer());
    signal.throwIfAborted();
    try {
      return responseOf(await exchange(connections, request, body, signal), signal);
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    }
  };
}

function exchange(
  connections: OutgoingConnections,
  { url, method, headers }: Request,
  body: Buffer,
  signal: AbortSignal,
): Promise<http.IncomingMessage> {
  const isSecure = url.startsWith('https:');
  const options = {
    method,
    agent: isSecure ? connections.https : connections.http,
    signal,
    headers: {
      accept: '*/*',
      'user-agent': 'fleetwright',
      ...Object.fromEntries(headers),
      ...(body.length > 0 || method !== 'GET' ? { 'content-length': body.length } : {}),
    },
  };
  return new Promise((resolve, reject) => {
    const outgoing = (isSecure ? https : http).request(url, options, resolve);
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

/** Statuses whose answers have no body. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

function responseOf(incoming: http.IncomingMessage, signal: AbortSignal): Response {
  const status = incoming.statusCode ?? 0;
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(incoming.headersDistinct))
    for (const value of values) headers.append(name, value);
  if (!WITHOUT_BODY.has(status))
    return new Response(ReadableStream.from(chunksOf(incoming, signal)), { status, headers });
  incoming.resume();
  return new Response(null, { status, headers });
}

async function* chunksOf(incoming: http.IncomingMessage, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of incoming) yield chunk;
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}
