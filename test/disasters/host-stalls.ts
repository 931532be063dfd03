import { Worker } from 'node:worker_threads';

/** Maximum delay of a call, in ms, that the governor's rates allow for (`LATENESS_MS` in `rate.ts`). */
const LATE_MS = 200;
const TICK_MS = 50;

/**
 * Counts the stalls of this host. In a stall, an idle thread wakes more than `LATE_MS` too late. Calls
 * that wait in a stall arrive at a cloud together, even if their permits were apart.
 */
export class HostStalls {
  readonly #count = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

  constructor() {
    // Uses another thread, because this thread is late during each computation.
    const watch = new Worker(new URL('./watch-stalls.ts', import.meta.url), {
      workerData: { count: this.#count, lateMs: LATE_MS, tickMs: TICK_MS },
    });
    watch.unref();
  }

  /** Number of stalls since the start. */
  get count(): number {
    return Atomics.load(this.#count, 0);
  }
}
