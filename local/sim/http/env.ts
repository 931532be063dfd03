import type { HttpBindings } from '@hono/node-server';
import type { SimEngine } from '../engine/engine.ts';

export interface AppOptions {
  engine: SimEngine;
  /** Waits until the engine's clock shows this time. */
  waitUntil(atMs: number): Promise<void>;
  /**
   * Returns true if a Host header, in lower case, names this server. Absent if there is no server, because no web
   * page can then call the clouds.
   */
  isOurHost?: (host: string) => boolean;
  /** The key of the control API. Absent: no key is required. */
  simKey?: string;
}

export type SimEnv = { Bindings: Partial<HttpBindings> };

/** In a run without a server, thrown where a server would cut the connection. */
export class ConnectionCut extends Error {
  override readonly name = 'ConnectionCut';
}
