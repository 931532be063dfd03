import type { HttpBindings } from '@hono/node-server';
import type { SimEngine } from '../engine/engine.ts';

export interface AppOptions {
  engine: SimEngine;
  /** Waits until the engine's clock shows this time. */
  waitUntil(atMs: number): Promise<void>;
  /**
   * Returns whether a Host header, in lower case, names this server. Absent without a server, because no web page can
   * reach the clouds within a process.
   */
  isOurHost?: (host: string) => boolean;
  /** The key of the control API. Absent: no key is required. */
  simKey?: string;
}

export type SimEnv = { Bindings: Partial<HttpBindings> };

/** Thrown in place of cutting a connection when there is no connection. */
export class ConnectionCut extends Error {
  override readonly name = 'ConnectionCut';
}
