import { workerData } from 'node:worker_threads';
import { z } from 'zod';

/** Runs in the thread that `HostStalls` starts. */
const { count, lateMs, tickMs } = z
  .object({ count: z.instanceof(Int32Array), lateMs: z.number(), tickMs: z.number() })
  .parse(workerData);

let lastMs = performance.now();
setInterval(() => {
  const nowMs = performance.now();
  if (nowMs - lastMs > tickMs + lateMs) Atomics.add(count, 0, 1);
  lastMs = nowMs;
}, tickMs);
