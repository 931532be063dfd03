import { Worker } from 'node:worker_threads';
import { Command } from 'commander';
import { EXIT } from '../../cli/shell/exit.ts';
import { wholeNumber } from '../../demo/run/flags.ts';
import { positiveNumber } from '../quick-boots/flags.ts';
import { loadDocument, loadText } from './document.ts';
import { measureFunctions } from './functions.ts';
import type { LoadAsked, Played } from './play.ts';

interface Flags {
  rate: number;
  seed: number;
  json: boolean;
}

/** Makes the command `bench -- load`, which measures the API while the demo's fleets are launched. */
export function loadCommand(): Command {
  return new Command('load')
    .description(
      "Sends a mix of requests to the API's functions in this process, while the demo's fleets are launched in virtual " +
        'time. Measures what each request takes to compute, the AWS SDK included: the network, API Gateway and DynamoDB ' +
        'take no time. Also measures the size of the bundle of each function, and how long the function takes to start.',
    )
    .option('--rate <requests>', 'requests in a second of virtual time', positiveNumber, 200)
    .option('--seed <number>', 'seed of the simulated clouds and of the requests', wholeNumber, 1)
    .option('--json', 'print one JSON line at the end of stdout', false)
    .allowExcessArguments(false)
    .action(async ({ rate, seed, json }: Flags) => {
      process.stderr.write('Bundling the functions and starting each of them five times\n');
      const functions = await measureFunctions();
      process.stderr.write(`Sending ${rate} requests a second while the demo's fleets are launched\n`);
      const played = await playInThread({ requestsPerSecond: rate, seed });
      const document = loadDocument(played, { peakMemoryMb: peakMemoryMb(), functions });
      process.stdout.write(`${loadText(document)}${json ? `${JSON.stringify(document)}\n` : ''}`);
      process.exitCode = EXIT.done;
    });
}

/**
 * Memory limits of the thread. The young generation is large, because nearly all objects are short-lived, and a pause for
 * the launches' garbage would count as time of a request.
 */
const RESOURCES = { maxOldGenerationSizeMb: 4_096, maxYoungGenerationSizeMb: 192 };

/** Plays the load in a thread of its own, whose standard output, the functions' log, is dropped. */
async function playInThread(asked: LoadAsked): Promise<Played> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    stdout: true,
    resourceLimits: RESOURCES,
  });
  worker.stdout.resume();
  const { promise, resolve, reject } = Promise.withResolvers<Played>();
  worker.once('message', resolve);
  worker.once('error', reject);
  worker.postMessage(asked);
  return await promise.finally(() => worker.terminate());
}

const peakMemoryMb = (): number => Math.ceil(process.resourceUsage().maxRSS / 1_024);
