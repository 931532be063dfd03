import { parentPort } from 'node:worker_threads';
import type { Measured } from './clouds.ts';
import { type Job, run } from './job.ts';

/** A message of a worker thread: its progress, or its result. */
export type Told = { made: number; seconds: number } | { measured: Measured };

const tell = (told: Told) => parentPort?.postMessage(told);

/** Runs each job that this thread receives, and sends back the progress and the result. */
parentPort?.on('message', async (job: Job) => {
  tell({ measured: await run(job, (made, seconds) => tell({ made, seconds })) });
});
