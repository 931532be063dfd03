import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { answerTo } from './answer-to.ts';
import type { Pace } from './machines.ts';
import { routesOf } from './routes.ts';
import { type Account, World } from './world.ts';

export interface SpiderDouble {
  url: string;
  /** Deletes all records, machines and resources. */
  reset(): void;
  /** Deletes CB-Spider's record of a machine, as if CB-Spider had crashed before it wrote the record. */
  forgetMachine(connectionName: string, name: string): void;
  /** Returns all accounts of the mock cloud. */
  accounts(): readonly Account[];
  close(): Promise<void>;
}

export interface SpiderDoubleOptions {
  username: string;
  password: string;
  pace: Pace;
}

/**
 * Starts a stateful double of a CB-Spider server with its mock driver. The double contains no code of
 * CB-Spider. The double answers as a real server (commit 6459f464) does, and checks requests against the
 * published description.
 */
export async function startSpiderDouble(options: SpiderDoubleOptions): Promise<SpiderDouble> {
  let world = new World();
  let routes = routesOf(world, options.pace);
  const server = createServer((incoming, outgoing) => {
    const answer = async () => {
      const { method = '', url: target = '/', headers } = incoming;
      const { authorization } = headers;
      const request = { method, target, authorization, text: await textOf(incoming) };
      return await answerTo(routes, options, request);
    };
    answer().then(
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
    accounts: () => world.accounts(),
    close: async () => {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of incoming.setEncoding('utf8')) text += String(chunk);
  return text;
}

function send(outgoing: ServerResponse, status: number, body: object): void {
  outgoing.writeHead(status, { 'content-type': 'application/json' });
  outgoing.end(`${JSON.stringify(body)}\n`);
}
