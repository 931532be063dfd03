import { Description } from './description.ts';
import { BadRequest, type Route } from './routes.ts';
import { Refusal } from './world.ts';

/** A request to the double, independent of its transport. */
export interface SpiderRequest {
  method: string;
  /** Path and query. */
  target: string;
  authorization: string | undefined;
  /** The body, or an empty string. */
  text: string;
}

const DESCRIPTION = new Description();

/** Returns the double's answer to a request. */
export async function answerTo(
  routes: readonly Route[],
  { username, password }: { username: string; password: string },
  { method, target, authorization, text }: SpiderRequest,
): Promise<{ status: number; body: object }> {
  const { pathname, searchParams: query } = new URL(target, 'http://double');
  const [, base, ...parts] = pathname.split('/').map(decodeURIComponent);
  if (base !== 'spider') return { status: 404, body: { message: 'Not Found' } };
  const expected = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  if (authorization !== expected) return { status: 401, body: { message: 'Unauthorized' } };
  const route = routes.find(({ pattern }) => matches(pattern, method, parts));
  if (!route) return { status: 404, body: { message: 'Not Found' } };
  const open = parts.filter((_, index) => partsOf(route.pattern)[index] === '*');
  try {
    const body = jsonOf(text);
    const faults = DESCRIPTION.faultsOf(route.pattern, query, body);
    if (faults.length > 0)
      throw new BadRequest(`the request does not follow the published description: ${faults.join('; ')}`);
    return { status: 200, body: await route.answer({ part: (index) => open[index] ?? '', query, body }) };
  } catch (error) {
    if (error instanceof Refusal) return { status: 500, body: { message: error.message } };
    if (error instanceof BadRequest) return { status: 400, body: { message: error.message } };
    throw error;
  }
}

function partsOf(pattern: string): string[] {
  return pattern.slice(pattern.indexOf(' ') + 1).split('/');
}

function matches(pattern: string, method: string, parts: readonly string[]): boolean {
  const wanted = partsOf(pattern);
  return (
    pattern.startsWith(`${method} `) &&
    wanted.length === parts.length &&
    wanted.every((part, index) => part === '*' || part === parts[index])
  );
}

function jsonOf(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal('code=400, message=Syntax error');
  }
}
