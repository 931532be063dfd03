import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Description } from './description.ts';
import type { Pace } from './machines.ts';
import { BadRequest, type Route, routesOf } from './routes.ts';
import { Refusal, World } from './world.ts';

const DESCRIPTION = new Description();

export interface SpiderDouble {
  url: string;
  /** Forgets everything. */
  reset(): void;
  /** As if it had died before it wrote a machine's name down. */
  forgetMachine(connectionName: string, name: string): void;
  close(): Promise<void>;
}

export interface SpiderDoubleOptions {
  username: string;
  password: string;
  pace: Pace;
}

/**
 * A stateful double of a CB-Spider server with its mock driver: our own work, and no CB-Spider. Its answers follow
 * what a real one (commit 6459f464) was seen to answer; its requests are held to the published description.
 */
export async function startSpiderDouble(options: SpiderDoubleOptions): Promise<SpiderDouble> {
  let world = new World();
  let routes = routesOf(world, options.pace);
  const server = createServer((incoming, outgoing) => {
    serve(routes, options, incoming).then(
      ({ status, body }) => send(outgoing, status, body),
      (error: unknown) => send(outgoing, 500, { message: String(error) }),
    );
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).listen(0, '127.0.0.1', resolve);
  await promise;
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('the double does not listen');
  return {
    url: `http://127.0.0.1:${address.port}`,
    reset: () => {
      world = new World();
      routes = routesOf(world, options.pace);
    },
    forgetMachine: (connectionName, name) => {
      world.connection(connectionName).machines.delete(name);
    },
    close: async () => {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}

async function serve(
  routes: readonly Route[],
  { username, password }: SpiderDoubleOptions,
  incoming: IncomingMessage,
): Promise<{ status: number; body: object }> {
  const { pathname, searchParams: query } = new URL(incoming.url ?? '/', 'http://double');
  const [, base, ...parts] = pathname.split('/').map(decodeURIComponent);
  if (base !== 'spider') return { status: 404, body: { message: 'Not Found' } };
  const expected = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  if (incoming.headers.authorization !== expected) return { status: 401, body: { message: 'Unauthorized' } };
  const route = routes.find(({ pattern }) => matches(pattern, incoming.method ?? '', parts));
  if (!route) return { status: 404, body: { message: 'Not Found' } };
  const open = parts.filter((_, index) => partsOf(route.pattern)[index] === '*');
  try {
    const body = await readJson(incoming);
    const faults = DESCRIPTION.faultsOf(route.pattern, query, body);
    if (faults.length > 0) throw new BadRequest(`not as published: ${faults.join('; ')}`);
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

async function readJson(incoming: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of incoming.setEncoding('utf8')) text += String(chunk);
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal('code=400, message=Syntax error');
  }
}

function send(outgoing: ServerResponse, status: number, body: object): void {
  outgoing.writeHead(status, { 'content-type': 'application/json' });
  outgoing.end(`${JSON.stringify(body)}\n`);
}
