import { Command } from 'commander';
import { EXIT } from '../cli/shell/exit.ts';
import { tell } from '../cli/shell/failure.ts';
import { factor, wholeNumber } from '../demo/run/flags.ts';
import { reportOf } from '../demo/run/report.ts';
import { bulkCommand } from './bulk/command.ts';
import { costCommand } from './cost/command.ts';
import { benchDocument, benchText } from './engine/bench-report.ts';
import { engineCommand } from './engine/command.ts';
import { countPhases, runOnEngine } from './engine/run.ts';
import { fairnessCommand } from './fairness/command.ts';
import { loadCommand } from './load/command.ts';
import { makespanCommand } from './makespan/command.ts';
import { networksCommand } from './networks/command.ts';

interface Flags {
  scale: number;
  seed: number;
  json: boolean;
}

async function bench({ scale, seed, json }: Flags): Promise<number> {
  const run = await runOnEngine({ scale, seed }, (line) => process.stderr.write(`${line}\n`));
  const phases = await countPhases(run);
  const { line, asAsked } = reportOf(run.requests, run.provisioned, run.removed);
  process.stdout.write(
    json ? `${JSON.stringify(benchDocument(line, phases))}\n` : `\n${benchText(line, phases)}`,
  );
  return asAsked ? EXIT.done : EXIT.otherwise;
}

const program = new Command('npm run bench --')
  .description(
    "Without a command: runs the demo's fleets on the local stack, and counts what their launches and terminations used.",
  )
  // Without this call, a flag that this program and a subcommand have in common would always be parsed as a
  // flag of this program.
  .enablePositionalOptions()
  .option('--scale <factor>', "multiply each node group's size by this, rounded up", factor, 1)
  .option('--seed <number>', 'seed of the simulated clouds, which are reset with it', wholeNumber, 1)
  .option('--json', 'print one JSON document to stdout', false)
  .allowExcessArguments(false)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT.done : EXIT.usage))
  .action(async (flags: Flags) => {
    process.exitCode = await bench(flags);
  })
  .addCommand(makespanCommand())
  .addCommand(fairnessCommand())
  .addCommand(engineCommand())
  .addCommand(costCommand())
  .addCommand(networksCommand())
  .addCommand(bulkCommand())
  .addCommand(loadCommand());

try {
  await program.parseAsync();
} catch (error) {
  const told = tell(error);
  process.stderr.write(told.text);
  process.exitCode = told.exitCode;
}
