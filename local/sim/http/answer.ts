import type { Socket } from 'node:net';
import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Context } from 'hono';
import type { Reply } from '../engine/reply.ts';
import { type AppOptions, ConnectionCut, type SimEnv } from './env.ts';

/** In a run without HTTP connections, a call without an answer fails after this time, in ms. */
const PATIENCE_MS = 15_000;
const LONGEST_WINDOW_SECONDS = 60;

/** Sends a reply when it is due, or cuts the connection if the reply says so. */
export async function answer(c: Context<SimEnv>, reply: Reply, options: AppOptions): Promise<Response> {
  if (reply.kind === 'silent') return await neverAnswer(c, options);
  await options.waitUntil(reply.atMs);
  if (reply.kind === 'lost') return cut(c);
  const headers = new Headers({ 'content-type': 'application/json' });
  if (reply.retryAfterMs !== undefined) {
    const seconds = Math.ceil(reply.retryAfterMs / 1_000);
    headers.set('retry-after', String(seconds));
    if (reply.usedUp) {
      const { policy, perSecond } = reply.usedUp;
      const { quota, windowSeconds } = wholeNumbers(perSecond);
      headers.set('ratelimit', `"${policy}";r=0;t=${seconds}`);
      headers.set('ratelimit-policy', `"${policy}";q=${quota};w=${windowSeconds}`);
    }
  }
  return new Response(JSON.stringify(reply.body), { status: reply.status, headers });
}

/**
 * Converts a rate to a whole number of calls in a whole number of seconds. The RateLimit headers allow no
 * fractions.
 */
function wholeNumbers(perSecond: number): { quota: number; windowSeconds: number } {
  for (let windowSeconds = 1; windowSeconds < LONGEST_WINDOW_SECONDS; windowSeconds += 1) {
    const quota = perSecond * windowSeconds;
    if (Math.abs(quota - Math.round(quota)) < 1e-9) return { quota: Math.round(quota), windowSeconds };
  }
  return { quota: Math.ceil(perSecond * LONGEST_WINDOW_SECONDS), windowSeconds: LONGEST_WINDOW_SECONDS };
}

function cut(c: Context<SimEnv>): Response {
  const socket = socketOf(c);
  if (!socket) throw new ConnectionCut('the reply was lost');
  socket.destroy();
  return RESPONSE_ALREADY_SENT;
}

async function neverAnswer(c: Context<SimEnv>, { engine, waitUntil }: AppOptions): Promise<Response> {
  const socket = socketOf(c);
  if (!socket) {
    await waitUntil(engine.world.clock.now() + PATIENCE_MS);
    throw new ConnectionCut('the call gets no answer');
  }
  await new Promise((resolve) => socket.once('close', resolve));
  return RESPONSE_ALREADY_SENT;
}

function socketOf(c: Context<SimEnv>): Socket | undefined {
  // Without a server, the context has no bindings of Node.js. Hono's type does not show that.
  const env: Partial<HttpBindings> | undefined = c.env;
  return env?.incoming?.socket;
}
