import { Command, Option } from 'commander';
import { DRIVER_NAMES, type DriverName } from '../../functions/model/connection.ts';
import { runCanaries } from './run-canaries.ts';
import { SPELLINGS } from './spellings.ts';

interface Flags {
  driver?: DriverName[];
  spelling?: string[];
  seed: string;
  json: boolean;
}

const say = (line: string) => process.stderr.write(`${line}\n`);
const tell = (line: string) => process.stdout.write(`${line}\n`);

async function main({ driver: drivers, spelling: names, seed, json }: Flags): Promise<number> {
  const spellings = SPELLINGS.filter(({ name }) => names === undefined || names.includes(name));
  const report = await runCanaries({
    ...(drivers ? { drivers } : {}),
    spellings,
    seed: Number(seed),
    onRun: say,
  });
  const { findings, ...counts } = report;
  for (const { driver, spelling, place, stretch, text } of findings.slice(0, 20)) {
    say(`FOUND by ${driver}, ${spelling}, in ${place}: ${stretch}\n  ${text}`);
  }
  tell(
    json
      ? JSON.stringify({ ...counts, findings: findings.slice(0, 100) })
      : `${counts.canaries} canaries in ${counts.spellings} spellings, ${counts.places} places: ${counts.found} found; ` +
          `${counts.plantedFound} of ${counts.planted} planted leaks found`,
  );
  return counts.found > 0 || counts.plantedFound < counts.planted ? 1 : 0;
}

const program = new Command('canaries')
  .description(
    'Runs the whole control plane and its real drivers in virtual time, against endpoints that repeat each request ' +
      'in their answers. Searches API answers, logs, events, tables, queue messages and workflow histories for the ' +
      'credential. Exits 1 if it finds a canary (a secret made for this test), or does not find a planted leak.',
  )
  .addOption(new Option('--driver <name...>', 'run only these drivers').choices([...DRIVER_NAMES]))
  .addOption(
    new Option('--spelling <name...>', 'write repeated secrets only in these ways').choices(
      SPELLINGS.map(({ name }) => name),
    ),
  )
  .option('--seed <number>', 'seed for the random secrets', '1')
  .option('--json', 'print one line of JSON on standard output', false)
  .action(async (flags: Flags) => {
    process.exitCode = await main(flags);
  });
await program.parseAsync();
