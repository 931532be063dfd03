import { Command, Option } from 'commander';
import { EXIT, usageError } from '../../cli/shell/exit.ts';
import { table } from '../../cli/shell/table.ts';
import { factor, wholeNumber } from '../../demo/run/flags.ts';
import { reportOf } from '../../demo/run/report.ts';
import { isAsAsked, quickBootsText } from '../quick-boots/document.ts';
import { positiveNumber } from '../quick-boots/flags.ts';
import { measureQuickBoots } from '../quick-boots/measure.ts';
import { DEFAULT_CREATES, QUICK_DRIVERS, type QuickDriver } from '../quick-boots/quick-cloud.ts';
import { meanSteps, type Shares, sharesOf } from './paths.ts';
import { type RunFlags, runOnEngine } from './run.ts';
import { readPaths } from './shares.ts';

const STEPS: readonly (readonly [keyof Shares, string])[] = [
  ['api', 'from the request until its workflow begins'],
  ['workflow', 'until the launch message is sent'],
  ['queue', 'until a worker has the message for the first time'],
  ['permit', 'until the cloud accepts the create call: networks, slots and rates'],
  ['cloud', 'until the instance runs, by the cloud’s own record'],
  ['status', 'until Fleetwright’s record of the instance is Running'],
];

interface Flags extends RunFlags {
  json: boolean;
  boot?: number;
  driver?: QuickDriver;
  creates?: number;
}

/**
 * Makes the command `bench -- engine`, which measures each step of a launch on the local engine. With
 * `--boot`, it measures fleets of machines that boot quickly.
 */
export function engineCommand(): Command {
  return new Command('engine')
    .description(
      "Runs the demo's fleets on the local engine. Compares the makespan (time until all instances run) with the ideal, " +
        'and shows which share of the time from the request to Running each step took. With --boot: runs fleets of ' +
        'machines with that boot time at a cloud that serves only the benchmark, with 20 slots per location. The fleets ' +
        'have 20, 20 and 150 instances in one location, and 60 in eight. Seconds are from the request until the last ' +
        "instance runs, by the cloud's own record. The ideal is the time of a scheduler without overhead under the same " +
        'slots, boot time and create rate. The test double of CB-Spider has no limits; its ideal is computed with the ' +
        'limits of the connection.',
    )
    .option(
      '--scale <factor>',
      "without --boot: multiply each node group's size by this, rounded up",
      factor,
      1,
    )
    .option('--seed <number>', 'seed of the simulated clouds, which are reset with it', wholeNumber, 1)
    .option('--boot <seconds>', 'measures fleets of machines with this boot time', positiveNumber)
    .addOption(
      new Option('--driver <name>', 'with --boot: driver that starts the machines (default: sim)').choices(
        QUICK_DRIVERS,
      ),
    )
    .option(
      '--creates <per second>',
      `with --boot: rate limit of the cloud and the connection, in create calls per second at a location (default: sim ${DEFAULT_CREATES.sim}, cb-spider ${DEFAULT_CREATES['cb-spider']})`,
      positiveNumber,
    )
    .option('--json', 'print one JSON line at the end of stdout', false)
    .allowExcessArguments(false)
    .action(async (flags: Flags, command: Command) => {
      const { boot, driver, creates } = flags;
      if (boot === undefined) {
        if (driver !== undefined || creates !== undefined)
          throw usageError(
            '--driver and --creates can only be used with --boot',
            'Give --boot <seconds>, too.',
          );
        process.exitCode = await demoOnEngine(flags);
        return;
      }
      if (command.getOptionValueSource('scale') === 'cli')
        throw usageError('--scale cannot be used with --boot', 'Leave one of them out.');
      process.exitCode = await quickBoots(boot, flags);
    });
}

/** @returns the exit code */
async function quickBoots(
  bootSeconds: number,
  { driver = 'sim', creates, seed, json }: Flags,
): Promise<number> {
  const createsPerSecond = creates ?? DEFAULT_CREATES[driver];
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort());
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const options = { driver, bootSeconds, createsPerSecond, seed };
  const measured = await measureQuickBoots(options, { say, signal: abort.signal });
  const line = json ? `${JSON.stringify(measured)}\n` : '';
  process.stdout.write(`\n${quickBootsText(measured)}${line}`);
  return isAsAsked(measured) ? EXIT.done : EXIT.otherwise;
}

/** Runs the benchmark. @returns the exit code */
async function demoOnEngine({ json, scale, seed }: Flags): Promise<number> {
  const run = await runOnEngine({ scale, seed }, (line) => process.stderr.write(`${line}\n`));
  const paths = await readPaths(run);
  const steps = meanSteps(paths);
  const shares = sharesOf(steps);
  const { line, asAsked } = reportOf(run.requests, run.provisioned, run.removed);
  const { makespanSeconds, idealSeconds, ratio, requested, running, throttled } = line;
  const rows = STEPS.map(([name, what]) => [
    name,
    steps[name].toFixed(2),
    `${(shares[name] * 100).toFixed(1)} %`,
    what,
  ]);
  const document = {
    makespanSeconds,
    idealSeconds,
    ratio,
    shares,
    meanSeconds: steps,
    requested,
    running,
    throttled,
    measuredInstances: paths.length,
  };
  process.stdout.write(
    `\n${requested} asked, ${running} running: ${makespanSeconds} s, ideal ${idealSeconds} s, ratio ${ratio}\n\n` +
      `${table(['step', 'mean s', 'share', ''], rows)}${json ? `${JSON.stringify(document)}\n` : ''}`,
  );
  return asAsked ? EXIT.done : EXIT.otherwise;
}
