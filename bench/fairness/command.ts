import { Command } from 'commander';
import { EXIT } from '../../cli/shell/exit.ts';
import { table } from '../../cli/shell/table.ts';
import { meteredCloud } from '../bulk/metered-cloud.ts';
import { countFrom1 } from '../measure/count.ts';
import { unlimitedServicesOption } from '../virtual/flags.ts';
import { type Fairness, measureFairness } from './fairness.ts';

interface Flags {
  small: number;
  large: number;
  after: number;
  seeds: number;
  unlimitedServices: boolean;
  json: boolean;
}

/** Makes the command `bench -- fairness`, which measures how long a small fleet waits behind a large one. */
export function fairnessCommand(): Command {
  return new Command('fairness')
    .description(
      'Measures how long a small fleet takes until it runs: alone, and while a large fleet is launched at the same ' +
        'location. Runs the shipped code in virtual time over a simulated cloud without quotas: one with slots, and one ' +
        'without slots that meters calls and machines as EC2 does.',
    )
    .option('--small <instances>', 'instances of the small fleet', countFrom1, 10)
    .option('--large <instances>', 'instances of the large fleet', countFrom1, 5_000)
    .option(
      '--after <seconds>',
      'seconds from the request for the large fleet until the request for the small fleet',
      countFrom1,
      60,
    )
    .option('--seeds <count>', 'number of runs of each case, with the seeds 1, 2, …', countFrom1, 5)
    .addOption(unlimitedServicesOption())
    .option('--json', 'print one JSON line at the end of stdout', false)
    .allowExcessArguments(false)
    .action(async ({ small, large, after, seeds, unlimitedServices, json }: Flags) => {
      const asked = {
        small,
        large,
        afterSeconds: after,
        seeds: Array.from({ length: seeds }, (_, at) => at + 1),
        unlimitedServices,
      };
      const say = (line: string) => process.stderr.write(`${line}\n`);
      const measured = await measureFairness(asked, say);
      say('At a cloud without slots, which makes up to 100 machines in one call');
      const chunks = await measureFairness({ ...asked, cloud: meteredCloud() }, say);
      const text = `${tableOf(measured)}\nwithout slots, in calls for many machines\n${tableOf(chunks)}`;
      process.stdout.write(`${text}${json ? `${JSON.stringify({ ...measured, chunks })}\n` : ''}`);
      process.exitCode = EXIT.done;
    });
}

function tableOf(one: Fairness): string {
  return table(
    [`fleet of ${one.smallFleet}`, 'median s', 'p95 s'],
    [
      ['alone', one.aloneMedianSeconds, one.aloneP95Seconds],
      [`behind ${one.largeFleet}`, one.behindMedianSeconds, one.behindP95Seconds],
      ['ratio', rounded(one.behindMedianSeconds / one.aloneMedianSeconds), one.ratio],
    ],
  );
}

const rounded = (value: number): number => Number(value.toFixed(2));
