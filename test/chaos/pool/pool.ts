import { Worker } from 'node:worker_threads';
import type { RunResult } from '../scenario/run.ts';

/**
 * Runs seeds in `threads` worker threads, one seed at a time in each thread.
 *
 * @param onResult called with each result, in any order; after `onResult` has returned false, no further seed
 *   starts
 */
export async function runSeeds(
  seeds: readonly number[],
  threads: number,
  onResult: (result: RunResult) => boolean,
  mutant?: string,
): Promise<void> {
  const left = seeds.values();
  let goesOn = true;
  const work = async () => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: { mutant } });
    try {
      for (const seed of left) {
        if (!goesOn) return;
        const { promise, resolve, reject } = Promise.withResolvers<RunResult>();
        worker.once('message', resolve);
        worker.once('error', reject);
        worker.postMessage(seed);
        const result = await promise.finally(() => worker.removeListener('error', reject));
        goesOn &&= onResult(result);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(threads, seeds.length) }, work));
}
