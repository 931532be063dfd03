import type { HttpBindings } from '@hono/node-server';
import type { SimEngine } from '../engine/engine.ts';

export interface AppOptions {
  engine: SimEngine;
  /** Waits until the engine's clock shows this time. */
  waitUntil(atMs: number): Promise<void>;
  /**
   * Tells whether a Host header, in lower case, names this server. Absent without a server: no web page can reach it
   * within a process.
   */
  isOurHost?: (host: string) => boolean;
  /** The key of the control API. Absent: none is needed. */
  simKey?: string;
}

export type SimEnv = { Bindings: Partial<HttpBindings> };

/** Simulates a cut connection where there is none: the promise of the answer rejects. */
export class ConnectionCut extends Error {
  override readonly name = 'ConnectionCut';
}
