import { parentPort } from 'node:worker_threads';
import { type LoadAsked, playLoad } from './play.ts';

/** Plays each load that this thread receives, and sends back what the requests took. */
parentPort?.on('message', async (asked: LoadAsked) => {
  parentPort?.postMessage(await playLoad(asked));
});
