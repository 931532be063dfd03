import { Command } from 'commander';
import { EXIT } from '../../cli/exit.ts';
import { table } from '../../cli/table.ts';
import { factor, wholeNumber } from '../../demo/flags.ts';
import { reportOf } from '../../demo/report.ts';
import { meanSteps, type Shares, sharesOf } from './paths.ts';
import { type RunFlags, runOnEngine } from './run.ts';
import { readPaths } from './shares.ts';

const STEPS: readonly (readonly [keyof Shares, string])[] = [
  ['api', 'from the request until its workflow begins'],
  ['workflow', 'until the launch message is sent'],
  ['queue', 'until a worker has the message for the first time'],
  ['permit', 'until the cloud accepts the create call: networks, slots and rates'],
  ['cloud', 'until it runs, by the cloud’s books'],
  ['status', 'until its record says so'],
];

/** `bench -- engine`: where the time of an instance goes on the local engine. */
export function engineCommand(): Command {
  return new Command('engine')
    .description(
      "The demo's fleets on the local engine: the makespan beside the ideal, and what part of an instance's way from " +
        'the request to Running each step took.',
    )
    .option('--scale <factor>', "each group's size times this, rounded up", factor, 1)
    .option('--seed <number>', 'of the simulated clouds, which are reset to it', wholeNumber, 1)
    .option('--json', 'last on stdout, one JSON line', false)
    .allowExcessArguments(false)
    .action(async ({ json, ...flags }: RunFlags & { json: boolean }) => {
      const run = await runOnEngine(flags, (line) => process.stderr.write(`${line}\n`));
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
      process.exitCode = asAsked ? EXIT.done : EXIT.otherwise;
    });
}
