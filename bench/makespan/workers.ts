import { Worker } from 'node:worker_threads';
import pLimit from 'p-limit';
import type { Measured } from './clouds.ts';
import type { Job } from './job.ts';
import type { Told } from './worker.ts';

/** A run of 100,000 instances keeps some GB; nearly all that it makes is gone at once, and best left to the young heap. */
const RESOURCES = { maxOldGenerationSizeMb: 12_288, maxYoungGenerationSizeMb: 192 };

/** Runs jobs in threads of their own, so many at a time. Each has the same result as without threads. */
export class Workers {
  readonly #slot: ReturnType<typeof pLimit>;

  constructor(threads: number) {
    this.#slot = pLimit(threads);
  }

  /** @param say told now and then how far it is @throws Error what the run threw */
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
