import { Command, Option } from 'commander';
import { EXIT } from '../../cli/shell/exit.ts';
import { table } from '../../cli/shell/table.ts';
import { wholeNumber } from '../../demo/run/flags.ts';
import { countFrom1 } from '../measure/count.ts';
import { unlimitedServicesOption } from '../virtual/flags.ts';
import { measureNetworks, type NetworksAsked } from './networks.ts';
import { measureOnMoto } from './on-moto.ts';

interface Flags extends Omit<NetworksAsked, 'withinSeconds' | 'fleets'> {
  fleets?: number;
  driver: 'sim' | 'aws';
  within: number;
  json: boolean;
}

const FLEETS = { sim: 300, aws: 60 } as const;

/** Makes the command `bench -- networks`, which counts what the networks of many small fleets take. */
export function networksCommand(): Command {
  return new Command('networks')
    .description(
      'Creates fleets of one machine each on one connection and location, removes them, and counts the calls and the ' +
        'network resources. Runs the shipped code in virtual time over a simulated cloud without quotas, or, with ' +
        '--driver aws, over moto, which it installs and starts. Unused networks have the grace time of production.',
    )
    .addOption(
      new Option('--driver <driver>', 'driver of the connection').choices(['sim', 'aws']).default('sim'),
    )
    .option('--fleets <count>', 'number of fleets (300; 60 with --driver aws)', countFrom1)
    .option('--within <seconds>', 'time over which the requests are spread', countFrom1, 60)
    .addOption(
      new Option('--mode <mode>', 'network mode of the fleets')
        .choices(['shared', 'dedicated'])
        .default('shared'),
    )
    .option('--seed <number>', 'seed of the run', wholeNumber, 1)
    .addOption(unlimitedServicesOption())
    .option('--json', 'print one JSON line at the end of stdout', false)
    .allowExcessArguments(false)
    .action(async ({ within, json, driver, fleets = FLEETS[driver], ...more }: Flags) => {
      const asked = { ...more, fleets, withinSeconds: within };
      const say = (line: string) => process.stderr.write(`${line}\n`);
      const measured = driver === 'aws' ? await measureOnMoto(asked, say) : await measureNetworks(asked, say);
      const text = table(
        ['measure', 'value'],
        Object.entries(measured).map(([name, value]) => [name, value]),
      );
      process.stdout.write(json ? `${JSON.stringify(measured)}\n` : text);
      process.exitCode = measured.leaked === 0 ? EXIT.done : EXIT.otherwise;
    });
}
