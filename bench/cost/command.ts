import { Command } from 'commander';
import { EXIT } from '../../cli/shell/exit.ts';
import { table } from '../../cli/shell/table.ts';
import { factor, wholeNumber } from '../../demo/run/flags.ts';
import { reportOf } from '../../demo/run/report.ts';
import { PRICES } from '../engine/bench-report.ts';
import { countPhases, type RunFlags, readPeakMemory, runOnEngine } from '../engine/run.ts';
import { usdPer1000 } from '../measure/cost.ts';
import { countFrom1 } from '../measure/count.ts';
import { unlimitedServicesOption } from '../virtual/flags.ts';
import { type Counted, costDocument, each, usd } from './cost-document.ts';
import { countKeptHours } from './hours.ts';
import { countLaunchCases } from './launches.ts';

interface Flags extends RunFlags {
  kept: number;
  hours: number;
  unlimitedServices: boolean;
  json: boolean;
}

/**
 * Makes the command `bench -- cost`, which measures the cost of launching an instance, and of an hour of a
 * running instance.
 */
export function costCommand(): Command {
  return new Command('cost')
    .description(
      "Measures what a launch uses (by running the demo's fleets on the local engine) and what an hour of a running " +
        'fleet uses (by running the shipped code in virtual time), also what 10,000 launches in one location and 300 ' +
        'single instances use. Shows units, requests and dollars.',
    )
    .option(
      '--scale <factor>',
      "multiply the size of each of the demo's node groups by this, rounded up",
      factor,
      1,
    )
    .option('--seed <number>', 'seed of the simulated clouds, which are reset with it', wholeNumber, 1)
    .option(
      '--kept <instances>',
      'number of instances that are kept running, over all locations of the demo',
      countFrom1,
      10_000,
    )
    .option('--hours <count>', 'hours of virtual time to measure the running fleet', countFrom1, 1)
    .addOption(unlimitedServicesOption())
    .option('--json', 'print one JSON line at the end of stdout', false)
    .allowExcessArguments(false)
    .action(async ({ kept: instances, hours, unlimitedServices, json, scale, seed }: Flags) => {
      const say = (line: string) => process.stderr.write(`${line}\n`);
      const run = await runOnEngine({ scale, seed }, say);
      const { launch } = await countPhases(run);
      const functions = await readPeakMemory(run);
      say(`Keeping ${instances} instances for ${hours} h of virtual time`);
      const logBytesPerInvocation = launch.logBytes / Math.max(1, launch.invocations);
      const asked = { instances, hours, seed, logBytesPerInvocation, unlimitedServices };
      const kept = await countKeptHours(asked);
      const cases = await countLaunchCases({ seed, logBytesPerInvocation, unlimitedServices }, say);
      const counted = { launch, kept, functions, cases };
      process.stdout.write(`\n${textOf(counted)}${json ? `${JSON.stringify(costDocument(counted))}\n` : ''}`);
      const { asAsked } = reportOf(run.requests, run.provisioned, run.removed);
      process.exitCode = asAsked ? EXIT.done : EXIT.otherwise;
    });
}

function textOf({ launch, kept, functions, cases }: Counted): string {
  const [launched, hours] = usd({ launch, kept });
  const perLaunch = each(launch, launch.instances);
  const perHours = each(kept, kept.instanceHours / 1_000);
  const counts = table(
    ['', 'per launch', 'per 1,000 instance-hours'],
    Object.entries(perLaunch).map(([name, value]) => [name, value, perHours[name] ?? 0]),
  );
  const money = table(
    ['$', 'per 1,000 launches', 'per 1,000 instance-hours'],
    Object.entries(launched).map(([name, value]) => {
      const ofHours = Object.entries(hours).find(([other]) => other === name)?.[1] ?? 0;
      return [name, value.toFixed(5), ofHours.toFixed(5)];
    }),
  );
  const others = table(
    ['launches in virtual time', '$ per 1,000', 'transitions each', 'write units each'],
    cases.map(({ name, use }) => [
      name,
      usdPer1000(use).total.toFixed(5),
      (use.transitions / use.instances).toFixed(3),
      (use.writeUnits / use.instances).toFixed(2),
    ]),
  );
  const memory = table(
    ['function', 'peak MB'],
    functions.map(({ name, peakMemoryMb }) => [name, peakMemoryMb]),
  );
  return [
    counts,
    money,
    others,
    memory,
    `${PRICES}\nLambda time is an estimate: per launch from this machine, per instance-hour from virtual time.\n`,
  ].join('\n');
}
