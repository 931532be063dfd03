import { workerData } from 'node:worker_threads';
import * as z from 'zod';

// `HostStalls` runs this file in a thread of its own. The thread adds 1 to `count` each time that the timer
// fires more than `lateMs` too late.
const { count, lateMs, tickMs } = z
  .object({ count: z.instanceof(Int32Array), lateMs: z.number(), tickMs: z.number() })
  .parse(workerData);

let lastMs = performance.now();
setInterval(() => {
  const nowMs = performance.now();
  if (nowMs - lastMs > tickMs + lateMs) Atomics.add(count, 0, 1);
  lastMs = nowMs;
}, tickMs);
