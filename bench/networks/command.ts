import { Command, Option } from 'commander';
import { EXIT } from '../../cli/shell/exit.ts';
import { table } from '../../cli/shell/table.ts';
import { wholeNumber } from '../../demo/run/flags.ts';
import { countFrom1 } from '../measure/count.ts';
import { measureNetworks, type NetworksAsked } from './networks.ts';

interface Flags extends Omit<NetworksAsked, 'withinSeconds'> {
  within: number;
  json: boolean;
}

/** Makes the command `bench -- networks`, which counts what the networks of many small fleets take. */
export function networksCommand(): Command {
  return new Command('networks')
    .description(
      'Creates fleets of one machine each on one connection and location, removes them, and counts the calls and the ' +
        'network resources. Runs the shipped code in virtual time over a simulated cloud without quotas, with the grace ' +
        'time of unused networks in production.',
    )
    .option('--fleets <count>', 'number of fleets', countFrom1, 300)
    .option('--within <seconds>', 'time over which the requests are spread', countFrom1, 60)
    .addOption(
      new Option('--mode <mode>', 'network mode of the fleets')
        .choices(['shared', 'dedicated'])
        .default('shared'),
    )
    .option('--seed <number>', 'seed of the run', wholeNumber, 1)
    .option('--json', 'print one JSON line at the end of stdout', false)
    .allowExcessArguments(false)
    .action(async ({ within, json, ...asked }: Flags) => {
      const measured = await measureNetworks({ ...asked, withinSeconds: within }, (line) =>
        process.stderr.write(`${line}\n`),
      );
      const text = table(
        ['measure', 'value'],
        Object.entries(measured).map(([name, value]) => [name, value]),
      );
      process.stdout.write(json ? `${JSON.stringify(measured)}\n` : text);
      process.exitCode = measured.leaked === 0 ? EXIT.done : EXIT.otherwise;
    });
}
