import { parentPort } from 'node:worker_threads';
import { type Job, run } from './job.ts';

/** Runs the jobs that it is given, one after the other. */
parentPort?.on('message', async (job: Job) => {
  parentPort?.postMessage(await run(job));
});
