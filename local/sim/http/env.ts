import type { HttpBindings } from '@hono/node-server';
import type { SimEngine } from '../engine/engine.ts';

export interface AppOptions {
  engine: SimEngine;
  /** Waits until the engine's clock shows this time. */
  waitUntil(atMs: number): Promise<void>;
}

export type SimEnv = { Bindings: Partial<HttpBindings> };

/** What a cut connection is where there is none: the promise of the answer is broken. */
export class ConnectionCut extends Error {
  override readonly name = 'ConnectionCut';
}
