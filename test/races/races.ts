import { Command, InvalidArgumentError } from 'commander';
import { MOVES, PAIRS } from './moves.ts';
import { playRace, type RaceResult } from './play.ts';

const REPLAY = 'npm run --silent test:races -- --pair';
const PROGRESS_EACH = 200;
/** Exit code for flags that cannot be used. */
const EXIT_USAGE = 2;

interface Flags {
  seeds: number;
  from: number;
  pair?: string;
  json: boolean;
  trace: boolean;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('use a whole number from 1 on');
  return value;
}

const say = (line: string) => process.stderr.write(`${line}\n`);

function report({ pair, seed, situation, violations, trace }: RaceResult, traced: boolean): void {
  if (traced) for (const line of trace) say(line);
  if (violations.length === 0) return;
  say(`${pair}, seed ${seed}, ${JSON.stringify(situation)}`);
  for (const text of violations.slice(0, 8)) say(`  ${text}`);
  say(`  replay: ${REPLAY} '${pair}' --from ${seed} --seeds 1 --trace`);
}

async function run({ seeds, from, pair: wanted, json, trace }: Flags): Promise<number> {
  const startMs = performance.now();
  const pairs = PAIRS.filter(
    ({ one, other }) => wanted === undefined || `${one.name} × ${other.name}`.includes(wanted),
  );
  if (pairs.length === 0) {
    const operations = [...new Set(MOVES.map(({ id }) => id))].join(', ');
    const message = `error: no pair of operations has '${wanted}' in its name; use one of: ${operations}`;
    program.error(message, { exitCode: EXIT_USAGE });
  }
  let runs = 0;
  let violations = 0;
  for (let seed = from; seed < from + seeds; seed += 1) {
    for (const pair of pairs) {
      const result = await playRace(pair, seed, trace);
      runs += 1;
      violations += result.violations.length;
      report(result, trace);
      if (runs % PROGRESS_EACH === 0)
        say(`${runs} of ${pairs.length * seeds} runs, ${violations} violations`);
    }
  }
  const seconds = Math.round((performance.now() - startMs) / 100) / 10;
  const all = { pairs: pairs.length, runs, violations, seconds };
  process.stdout.write(
    json
      ? `${JSON.stringify(all)}\n`
      : `${pairs.length} pairs of operations, ${runs} runs, ${violations} violations, ${seconds} s\n`,
  );
  return violations === 0 ? 0 : 1;
}

const program = new Command('races')
  .description(
    'Runs pairs of API operations at the same time, over models of AWS, and checks afterwards what must hold. The pairs cover all operations of the contract that change something. Exits 1 if a check fails.',
  )
  .option('--seeds <count>', 'number of runs of each pair, each in another order', wholeNumber, 3)
  .option('--from <seed>', 'the first seed', wholeNumber, 1)
  .option('--pair <text>', 'run only pairs whose name contains this text, for example deleteConnection')
  .option('--trace', 'print every call of every run on standard error', false)
  .option('--json', 'print the summary as one line of JSON', false)
  .action(async (flags: Flags) => {
    process.exitCode = await run(flags);
  });
await program.parseAsync();
