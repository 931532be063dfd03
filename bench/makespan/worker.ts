import { parentPort } from 'node:worker_threads';
import type { Measured } from './clouds.ts';
import { type Job, run } from './job.ts';

/** A message of a worker thread: its progress, or its result. */
export type Told = { made: number; seconds: number } | { measured: Measured };

const tell = (told: Told) => parentPort?.postMessage(told);

/** Runs the jobs that it receives, one after the other. */
parentPort?.on('message', async (job: Job) => {
  tell({ measured: await run(job, (made, seconds) => tell({ made, seconds })) });
});
