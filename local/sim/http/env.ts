import type { HttpBindings } from '@hono/node-server';
import type { SimEngine } from '../engine/engine.ts';

export interface AppOptions {
  engine: SimEngine;
  /** Waits until the engine's clock shows this time. */
  waitUntil(atMs: number): Promise<void>;
  /**
   * Returns true if a Host header, in lower case, names this server. Absent if there is no server: no web
   * page can call clouds within a process.
   */
  isOurHost?: (host: string) => boolean;
  /** The key of the control API. Absent: no key is required. */
  simKey?: string;
}

export type SimEnv = { Bindings: Partial<HttpBindings> };

/** Thrown where a server would cut the connection, in a run without connections. */
export class ConnectionCut extends Error {
  override readonly name = 'ConnectionCut';
}
