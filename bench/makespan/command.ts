import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { EXIT } from '../../cli/shell/exit.ts';
import { table } from '../../cli/shell/table.ts';
import { wholeNumber } from '../../demo/run/flags.ts';
import { countFrom1 } from '../measure/count.ts';
import { unlimitedServicesOption } from '../virtual/flags.ts';
import {
  ASKED,
  type HowToRun,
  type MakespanCase,
  measureMakespans,
  measureRatios,
  type Ratios,
} from './makespan.ts';
import { Workers } from './workers.ts';

interface Flags {
  most: number;
  seed: number;
  seeds?: number;
  unlimitedServices: boolean;
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
      '--seeds <count>',
      "run the demo's fleets with this many seeds from --seed on, and add the mean and the worst ratio",
      countFrom1,
    )
    .addOption(unlimitedServicesOption())
    .option(
      '--threads <count>',
      'maximum number of runs at the same time',
      countFrom1,
      Math.min(MOST_THREADS, availableParallelism()),
    )
    .option('--json', 'print one JSON line at the end of stdout', false)
    .allowExcessArguments(false)
    .action(async ({ most, seed, seeds, unlimitedServices, threads, json }: Flags) => {
      const asked = ASKED.filter(({ instances }) => instances <= most);
      const how: HowToRun = {
        seed,
        unlimitedServices,
        workers: new Workers(threads),
        say: (line) => process.stderr.write(`${line}\n`),
      };
      const cases = await measureMakespans(asked, how);
      const ratios = seeds === undefined ? undefined : await measureRatios(seeds, how);
      const document = { cases, ...ratios };
      process.stdout.write(`${textOf(cases, ratios)}${json ? `${JSON.stringify(document)}\n` : ''}`);
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

function textOf(cases: readonly MakespanCase[], ratios: Ratios | undefined): string {
  if (!ratios) return tableOf(cases);
  const { meanRatio, worstRatio } = ratios;
  return `${tableOf(cases)}${ratios.ratios.length} seeds: mean ratio ${meanRatio}, worst ratio ${worstRatio}\n`;
}

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
