import { Worker } from 'node:worker_threads';

/** The governor keeps a reserve for calls that are this late (`LATENESS_MS` of its rates), in milliseconds. */
const LATE_MS = 200;
const TICK_MS = 50;

/**
 * Counts the moments at which this host let a thread that had nothing to do wait for longer than the governor allows a
 * call to be late. Calls of such a moment arrive at a cloud together, whatever the governor decided.
 */
export class HostStalls {
  readonly #count = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

  constructor() {
    // A thread of its own: this one is late whenever it computes.
    const watch = new Worker(new URL('./watch-stalls.ts', import.meta.url), {
      workerData: { count: this.#count, lateMs: LATE_MS, tickMs: TICK_MS },
    });
    watch.unref();
  }

  /** Stalls since the start. */
  get count(): number {
    return Atomics.load(this.#count, 0);
  }
}
