import type { MiddlewareHandler } from 'hono';
import { isSameKey } from '../engine/account-key.ts';
import type { SimEnv } from './env.ts';

/**
 * Keeps web pages out, which a browser lets reach this machine's loopback: refuses a Host that is not this server's (a
 * page whose own name was made to resolve to 127.0.0.1 sends that name), and whatever a browser says it sends for a page.
 */
export function keepPagesOut(isOurHost: (host: string) => boolean): MiddlewareHandler<SimEnv> {
  return async (c, next) => {
    const refuse = (message: string) => c.json({ code: 'Forbidden', message }, 403);
    if (!isOurHost(c.req.header('host')?.toLowerCase() ?? ''))
      return refuse('the Host header names another server');
    const isOfPage =
      c.req.header('origin') !== undefined || (c.req.header('sec-fetch-site') ?? 'none') !== 'none';
    return isOfPage ? refuse('web pages have no access') : await next();
  };
}

/** Asks for the key of the control API, as bearer token. */
export function askForKey(simKey: string): MiddlewareHandler<SimEnv> {
  return async (c, next) => {
    const [, given] = /^Bearer (.+)$/.exec(c.req.header('authorization') ?? '') ?? [];
    if (isSameKey(given, simKey)) return await next();
    c.header('www-authenticate', 'Bearer realm="simulated clouds"');
    return c.json(
      { code: 'InvalidCredentials', message: 'the control API takes its key as bearer token' },
      401,
    );
  };
}

/** The names of this machine's loopback, and others that were allowed, with the port that the server has. */
export function hostsAt(port: number, others: readonly string[]): ReadonlySet<string> {
  const names = ['127.0.0.1', 'localhost', '[::1]', ...others];
  return new Set(names.map((name) => `${name.toLowerCase()}:${port}`));
}
