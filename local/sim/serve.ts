import { join } from 'node:path';
import { serve } from '@hono/node-server';
import { accountKey } from './engine/account-key.ts';
import type { SimConfig } from './engine/config.ts';
import { SimEngine } from './engine/engine.ts';
import { createApp } from './http/app.ts';
import { hostsAt } from './http/guard.ts';
import { type Journal, readJournal, startJournal } from './journal.ts';
import { latestTimeOf, scaledClock } from './scaled-clock.ts';

export interface SimServerOptions {
  config: SimConfig;
  /** Port to listen on; 0: any free port. */
  port: number;
  /** Overrides the config's seed. Clouds that are restored from `stateDir` keep their first seed. */
  seed?: number;
  /** The folder that stores the clouds, so that they survive a restart. Absent: the server stores nothing. */
  stateDir?: string;
  /** How many times faster than real time the clouds' clock runs. */
  timeScale?: number;
  /**
   * The key of the control API, from which each account's key is derived. Absent: neither the control API nor
   * the clouds' API needs a key.
   */
  simKey?: string;
  /** Further host names by which clients may address the server. */
  allowHosts?: readonly string[];
}

export interface SimServer {
  url: string;
  engine: SimEngine;
  close(): Promise<void>;
}

/**
 * Time-out of idle connections, in ms. It is longer than the time-out of any client. Otherwise the server could close
 * a connection while a client sends a call.
 */
const KEEP_ALIVE_MS = 75_000;

/** Starts the simulated clouds on 127.0.0.1. Rejects when the port is taken. */
export async function startSimServer(options: SimServerOptions): Promise<SimServer> {
  const { config, port, seed, stateDir, timeScale = 1, simKey, allowHosts = [] } = options;
  const file = stateDir === undefined ? undefined : join(stateDir, 'clouds.jsonl');
  const past = file === undefined ? [] : readJournal(file);
  const clock = scaledClock(timeScale, Math.max(Date.now(), latestTimeOf(past)));
  let journal: Journal | undefined;
  const engine = new SimEngine({
    config,
    clock,
    past,
    ...(seed === undefined ? {} : { seed }),
    onEvent: (event) => journal?.append(event),
    ...(simKey === undefined ? {} : { accountKey: (account) => accountKey(simKey, account) }),
  });
  let hosts: ReadonlySet<string> = new Set();
  const app = createApp({
    engine,
    waitUntil: clock.waitUntil,
    isOurHost: (host) => hosts.has(host),
    ...(simKey === undefined ? {} : { simKey }),
  });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = serve(
    {
      fetch: app.fetch,
      port,
      hostname: '127.0.0.1',
      serverOptions: { keepAliveTimeout: KEEP_ALIVE_MS },
    },
    (address) => resolve(address.port),
  );
  server.once('error', reject);
  const boundPort = await promise;
  hosts = hostsAt(boundPort, allowHosts);
  if (file !== undefined) journal = startJournal(file, engine.world.state.snapshot());
  return {
    url: `http://127.0.0.1:${boundPort}`,
    engine,
    async close() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      if ('closeAllConnections' in server) server.closeAllConnections();
      await closed.promise;
      journal?.close();
    },
  };
}
