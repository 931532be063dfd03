import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { EXIT } from '../../cli/shell/exit.ts';
import { table } from '../../cli/shell/table.ts';
import { wholeNumber } from '../../demo/run/flags.ts';
import { countFrom1 } from '../measure/count.ts';
import { ASKED, type MakespanCase, measureMakespans } from './makespan.ts';

interface Flags {
  most: number;
  seed: number;
  lambdaScaling: boolean;
  threads: number;
  json: boolean;
}

/** Maximum number of threads by default, because each may need several GB of memory. */
const MOST_THREADS = 2;

/**
 * Makes the command `bench -- makespan`. It runs in virtual time: it takes minutes, and repeated runs give
 * the same result.
 */
export function makespanCommand(): Command {
  return new Command('makespan')
    .description(
      'Measures in virtual time how long the shipped code takes until all instances run on the simulated clouds. ' +
        'Compares this time with the ideal time and with a baseline that uses semaphores and random sleeps.',
    )
    .option(
      '--most <instances>',
      'leave out cases with more instances; up to 10000 takes 3 minutes, up to 100000 half an hour',
      caseSize,
      100_000,
    )
    .option('--seed <number>', 'seed of the simulated clouds', wholeNumber, 1)
    .option(
      '--lambda-scaling',
      'start with 5 concurrent batches, as Lambda does for a quiet queue, and add concurrency at 300 a minute up to the ' +
        'limit of 100. Without this flag, all 100 are available from the start',
      false,
    )
    .option(
      '--threads <count>',
      'maximum number of runs at the same time',
      countFrom1,
      Math.min(MOST_THREADS, availableParallelism()),
    )
    .option('--json', 'print one JSON line at the end of stdout', false)
    .allowExcessArguments(false)
    .action(async ({ most, seed, lambdaScaling, threads, json }: Flags) => {
      const asked = ASKED.filter(({ instances }) => instances <= most);
      const cases = await measureMakespans(asked, {
        seed,
        scalesSlowly: lambdaScaling,
        threads,
        say: (line) => process.stderr.write(`${line}\n`),
      });
      process.stdout.write(`${tableOf(cases)}${json ? `${JSON.stringify({ cases })}\n` : ''}`);
      process.exitCode = EXIT.done;
    });
}

function caseSize(text: string): number {
  const most = wholeNumber(text);
  const least = Math.min(...ASKED.map(({ instances }) => instances));
  if (most < least)
    throw new InvalidArgumentError(`must be at least ${least}, the instances of the smallest case`);
  return most;
}

const HEADS = [
  'instances',
  'fleets',
  'rates overstated by',
  'seconds',
  'ideal',
  'ratio',
  'throttled',
  'baseline seconds',
  'baseline throttled',
];

const tableOf = (cases: readonly MakespanCase[]): string =>
  table(
    HEADS,
    cases.map((one) => [
      one.instances,
      one.fleets,
      `${one.overstatedBy}x`,
      one.makespanSeconds,
      one.idealSeconds,
      one.ratio,
      one.throttled,
      one.baselineMakespanSeconds,
      one.baselineThrottled,
    ]),
  );
