import { randomBytes } from 'node:crypto';
import { Command, InvalidArgumentError, Option } from 'commander';
import { loadSimConfig, SimConfigError } from './engine/config.ts';
import { startSimServer } from './serve.ts';

const wholeNumber = (text: string) => {
  if (!/^-?\d{1,10}$/.test(text)) throw new InvalidArgumentError('must be a whole number.');
  return Number(text);
};
const port = (text: string) => {
  const value = wholeNumber(text);
  if (value < 0 || value > 65_535) throw new InvalidArgumentError('must be from 0 to 65535.');
  return value;
};
const scale = (text: string) => {
  const value = Number(text);
  if (!(value > 0 && value <= 1_000)) throw new InvalidArgumentError('must be above 0 and at most 1000.');
  return value;
};

const nonEmpty = (text: string) => {
  if (!/^[\x21-\x7e]+$/.test(text)) throw new InvalidArgumentError('must be visible ASCII characters.');
  return text;
};

interface Flags {
  port: number;
  config?: string;
  seed?: number;
  state?: string;
  timeScale: number;
  simKey?: string;
  allowHost?: string[];
}

/** Runs the server. Exit codes: 2 wrong use, 3 cannot listen. */
async function run({ port, config: file, seed, state, timeScale, simKey, allowHost }: Flags): Promise<void> {
  const key = simKey ?? randomBytes(32).toString('base64url');
  try {
    const config = loadSimConfig(file);
    const server = await startSimServer({
      config,
      port,
      timeScale,
      simKey: key,
      allowHosts: allowHost ?? [],
      ...(seed === undefined ? {} : { seed }),
      ...(state === undefined ? {} : { stateDir: state }),
    });
    process.stdout.write(`${JSON.stringify({ simUrl: server.url, simKey: key })}\n`);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => void server.close().then(() => process.exit(0)));
    }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(error instanceof SimConfigError ? 2 : 3);
  }
}

await new Command('sim')
  .description(
    'Serves simulated clouds on 127.0.0.1 over HTTP, with limits, quotas, latencies and faults. See README.md.',
  )
  .option('--port <port>', 'port to listen on; 0: any free port', port, 4599)
  .option('--config <file>', 'YAML file that is merged over the default clouds')
  .option('--seed <number>', 'seed of the random numbers, to repeat a run', wholeNumber)
  .option('--state <folder>', 'folder that stores the clouds and their seed, so that they survive a restart')
  .option('--time-scale <factor>', "how many times faster than real time the clouds' clock runs", scale, 1)
  .addOption(
    new Option(
      '--sim-key <key>',
      'key of the control API, from which the keys of all accounts are derived (default: a random one)',
    )
      .env('FLEETWRIGHT_SIM_KEY')
      .argParser(nonEmpty),
  )
  .option('--allow-host <name...>', 'host names that clients may use, in addition to 127.0.0.1 and localhost')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .action(run)
  .parseAsync();
