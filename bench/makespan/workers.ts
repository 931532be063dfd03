import { Worker } from 'node:worker_threads';
import pLimit from 'p-limit';
import type { Measured } from './clouds.ts';
import type { Job } from './job.ts';
import type { Told } from './worker.ts';

/**
 * Memory limits of a thread. A run of 100,000 instances needs several GB. The young generation is large, because
 * nearly all objects are short-lived.
 */
const RESOURCES = { maxOldGenerationSizeMb: 12_288, maxYoungGenerationSizeMb: 192 };

/**
 * Runs jobs in threads, at most a fixed number at the same time. Each job has the same result as without
 * threads.
 */
export class Workers {
  readonly #slot: ReturnType<typeof pLimit>;

  constructor(threads: number) {
    this.#slot = pLimit(threads);
  }

  /**
   * Runs one job.
   *
   * @param say is called from time to time with the progress
   * @throws the error of the run
   */
  run(job: Job, say: (made: number, seconds: number) => void = () => {}): Promise<Measured> {
    return this.#slot(async () => {
      const worker = new Worker(new URL('./worker.ts', import.meta.url), { resourceLimits: RESOURCES });
      const { promise, resolve, reject } = Promise.withResolvers<Measured>();
      worker.on('message', (told: Told) => {
        if ('measured' in told) resolve(told.measured);
        else say(told.made, told.seconds);
      });
      worker.once('error', reject);
      worker.postMessage(job);
      return await promise.finally(() => worker.terminate());
    });
  }
}
