import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Context } from 'hono';
import type { Reply } from '../engine/engine.ts';
import { type AppOptions, ConnectionCut, type SimEnv } from './app.ts';

/** Gives a reply when it is due, or does to the connection what the reply says. */
export async function answer(
  c: Context<SimEnv>,
  reply: Reply,
  waitUntil: AppOptions['waitUntil'],
): Promise<Response> {
  if (reply.kind === 'silent') return await untilCallerLeaves(c);
  await waitUntil(reply.atMs);
  if (reply.kind === 'lost') return cut(c);
  const headers = new Headers({ 'content-type': 'application/json' });
  if (reply.retryAfterMs !== undefined)
    headers.set('retry-after', String(Math.ceil(reply.retryAfterMs / 1_000)));
  return new Response(JSON.stringify(reply.body), { status: reply.status, headers });
}

function cut(c: Context<SimEnv>): Response {
  const { incoming } = c.env;
  if (!incoming) throw new ConnectionCut('the reply was lost');
  incoming.socket.destroy();
  return RESPONSE_ALREADY_SENT;
}

async function untilCallerLeaves(c: Context<SimEnv>): Promise<Response> {
  const { incoming } = c.env;
  const { signal } = c.req.raw;
  await new Promise<void>((resolve) => {
    if (incoming) incoming.socket.once('close', resolve);
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  if (!incoming) throw new ConnectionCut('nobody answered');
  return RESPONSE_ALREADY_SENT;
}
