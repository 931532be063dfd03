import { Command, InvalidArgumentError } from 'commander';
import { logger } from '../../functions/platform/runtime/logger.ts';
import { SPELLINGS } from '../canaries/spellings.ts';
import { PAIRS } from '../races/moves.ts';
import { runSecurity } from './run-security.ts';

interface Flags {
  requests: number;
  successes: number;
  races: number;
  spellings: number;
  seed: number;
  json: boolean;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('use a whole number from 1 on');
  return value;
}

const say = (line: string) => process.stderr.write(`${line}\n`);

async function main({ json, ...options }: Flags): Promise<number> {
  logger.info = () => undefined;
  logger.error = (message, extra) => say(`${message} ${JSON.stringify(extra, errorsToo)}`);
  const { report, passed } = await runSecurity({ ...options, onProgress: say });
  const lines = Object.entries(report).map(([name, count]) => `${name.padEnd(26)}${count}`);
  process.stdout.write(`${json ? JSON.stringify(report) : lines.join('\n')}\n`);
  return passed ? 0 : 1;
}

const errorsToo = (_name: string, value: unknown): unknown =>
  value instanceof Error ? `${value.stack}` : value;

const program = new Command('security')
  .description(
    'Tries to break in, in this process: every route with every role in own and other namespaces (with two routes opened on ' +
      'purpose, which it must find), races of pairs of operations and of keys that are revoked in use, clouds that repeat ' +
      'secrets, and random requests of every route, whose answers the OpenAPI document has to describe. Exits 1 if ' +
      'anything is found.',
  )
  .option('--requests <count>', 'minimum number of random requests', wholeNumber, 20_000)
  .option('--successes <count>', 'number of accepted random requests of each operation', wholeNumber, 50)
  .option('--races <count>', 'number of races of pairs of operations', wholeNumber, PAIRS.length)
  .option('--spellings <count>', 'number of spellings of repeated secrets', wholeNumber, SPELLINGS.length)
  .option('--seed <number>', 'seed of all random choices', wholeNumber, 1)
  .option('--json', 'print the report as one line of JSON on standard output', false)
  .action(async (flags: Flags) => {
    process.exitCode = await main(flags);
  });
await program.parseAsync();
