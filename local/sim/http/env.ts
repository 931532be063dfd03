import type { HttpBindings } from '@hono/node-server';
import type { SimEngine } from '../engine/engine.ts';

export interface AppOptions {
  engine: SimEngine;
  /** Waits until the engine's clock shows this time. */
  waitUntil(atMs: number): Promise<void>;
  /**
   * Whether a Host header, in lower case, names this server. Absent where there is no server: in one process with its
   * caller, no page can reach it.
   */
  isOurHost?: (host: string) => boolean;
  /** The key of the control API; absent: it asks for none. */
  simKey?: string;
}

export type SimEnv = { Bindings: Partial<HttpBindings> };

/** What a cut connection is where there is none: the promise of the answer is broken. */
export class ConnectionCut extends Error {
  override readonly name = 'ConnectionCut';
}
