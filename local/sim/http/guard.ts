import type { MiddlewareHandler } from 'hono';
import { isSameKey } from '../engine/account-key.ts';
import type { SimEnv } from './env.ts';

/**
 * Refuses requests from web pages, because a browser lets pages reach this machine's loopback. Refuses a Host header
 * that names another server: a page sends such a header if the page's own host name resolves to 127.0.0.1. Also refuses
 * every request that a browser marks as sent for a page (`Origin`, `Sec-Fetch-Site`).
 */
export function keepPagesOut(isOurHost: (host: string) => boolean): MiddlewareHandler<SimEnv> {
  return async (c, next) => {
    const refuse = (message: string) => c.json({ code: 'Forbidden', message }, 403);
    if (!isOurHost(c.req.header('host')?.toLowerCase() ?? ''))
      return refuse('the Host header names another server: start the server with --allow-host for this name');
    const isOfPage =
      c.req.header('origin') !== undefined || (c.req.header('sec-fetch-site') ?? 'none') !== 'none';
    return isOfPage ? refuse('requests of web pages are refused') : await next();
  };
}

/** Requires the key of the control API as a bearer token. */
export function askForKey(simKey: string): MiddlewareHandler<SimEnv> {
  return async (c, next) => {
    const [, given] = /^Bearer (.+)$/.exec(c.req.header('authorization') ?? '') ?? [];
    if (isSameKey(given, simKey)) return await next();
    c.header('www-authenticate', 'Bearer realm="simulated clouds"');
    return c.json(
      {
        code: 'InvalidCredentials',
        message: 'the control API needs its key: send it as Authorization: Bearer <key>',
      },
      401,
    );
  };
}

/** Returns the names of this machine's loopback and the other allowed names, each with the server's port. */
export function hostsAt(port: number, others: readonly string[]): ReadonlySet<string> {
  const names = ['127.0.0.1', 'localhost', '[::1]', ...others];
  return new Set(names.map((name) => `${name.toLowerCase()}:${port}`));
}
