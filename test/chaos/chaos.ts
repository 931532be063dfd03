import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { VIOLATION_KINDS } from './invariants/violation.ts';
import { MUTANTS } from './mutants/mutants.ts';
import { runSeeds } from './pool/pool.ts';
import { type RunResult, runScenario } from './scenario/run.ts';
import { scenarioOf } from './scenario/scenario.ts';

const REPLAY = 'npm run --silent chaos -- --seed';
const MOST_THREADS = 2;
const PROGRESS_EACH = 100;
const SEEDS = 200;
/**
 * Default for the maximum number of seeds that are run with each mutant. Some mutants break an invariant only
 * if two calls race, which happens in few seeds.
 */
const MUTANT_SEEDS = 600;

interface Flags {
  seeds: number;
  from: number;
  seed?: number;
  mutate: boolean;
  mutant?: string;
  threads: number;
  json: boolean;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('Use a whole number of at least 1.');
  return value;
}

/** The flags as the user gave them, before `seeds` has its default. */
type AskedFlags = Omit<Flags, 'seeds'> & { seeds?: number };

const say = (line: string) => process.stderr.write(`${line}\n`);
const tell = (line: string) => process.stdout.write(`${line}\n`);
const range = (from: number, count: number) => Array.from({ length: count }, (_, at) => from + at);

async function runMany({ seeds, from, threads, json }: Flags): Promise<number> {
  const startMs = performance.now();
  const fleets: Record<string, number> = {};
  const summary: Record<string, number> = { runs: 0, violations: 0 };
  for (const kind of VIOLATION_KINDS) summary[kind] = 0;
  const bump = (name: string, by: number) => {
    summary[name] = (summary[name] ?? 0) + by;
  };
  await runSeeds(range(from, seeds), threads, (result) => {
    bump('runs', 1);
    if (result.violations.length > 0) bump('violations', 1);
    for (const kind of new Set(result.violations.map((one) => one.kind))) bump(kind, 1);
    for (const [name, count] of Object.entries(result.counts)) bump(name, count);
    bump('instances', result.instances);
    for (const [status, count] of Object.entries(result.outcomes))
      fleets[status] = (fleets[status] ?? 0) + count;
    report(result);
    if (summary['runs'] !== undefined && summary['runs'] % PROGRESS_EACH === 0) {
      say(`${summary['runs']} of ${seeds} runs, ${summary['violations']} with violations`);
    }
    return true;
  });
  const seconds = Math.round((performance.now() - startMs) / 100) / 10;
  const all = { ...summary, fleets, seconds };
  tell(
    json
      ? JSON.stringify(all)
      : Object.entries(all)
          .map(([name, count]) => `${name}: ${JSON.stringify(count)}`)
          .join('\n'),
  );
  return summary['violations'] === 0 ? 0 : 1;
}

function report({ seed, violations }: RunResult): void {
  if (violations.length === 0) return;
  say(`seed ${seed}`);
  for (const { kind, text, module } of violations.slice(0, 5)) {
    say(`  ${kind}: ${text}`);
    if (module !== undefined) say(`    file: ${module}`);
  }
  say(`  replay: ${REPLAY} ${seed}`);
}

async function replay(seed: number): Promise<number> {
  const result = await runScenario(scenarioOf(seed), true);
  for (const [at, line] of result.trace.entries()) {
    const caller = result.callers[at];
    say(caller === undefined ? line : `${line} (${caller})`);
  }
  report(result);
  const { digest, violations, counts } = result;
  tell(JSON.stringify({ seed, digest, violations, counts }));
  return violations.length === 0 ? 0 : 1;
}

/**
 * Runs seeds with each mutant in turn until a run breaks an invariant. Reports the number of runs for each
 * mutant.
 */
async function runMutants({ seeds, from, threads, json, mutant }: Flags): Promise<number> {
  const mutants: { name: string; caught: boolean; seeds: number; by?: string; module?: string }[] = [];
  for (const { name } of MUTANTS.filter((one) => mutant === undefined || one.name === mutant)) {
    let runs = 0;
    let by: RunResult['violations'][number] | undefined;
    let caught: RunResult | undefined;
    let next = from;
    // A seed that also fails without the mutant proves nothing about the mutant. Continue with the next seed.
    while (by === undefined && next < from + seeds) {
      caught = undefined;
      await runSeeds(
        range(next, from + seeds - next),
        threads,
        (result) => {
          runs += 1;
          if (result.violations.length > 0) caught ??= result;
          return caught === undefined;
        },
        name,
      );
      if (!caught) break;
      const { seed, violations }: RunResult = caught;
      next = seed + 1;
      if (await isSound(seed)) [by] = violations;
    }
    mutants.push({
      name,
      caught: by !== undefined,
      seeds: runs,
      ...(by ? { by: `${by.kind}: ${by.text}` } : {}),
      ...(by?.module === undefined ? {} : { module: by.module }),
    });
    say(
      `${name}: ${by ? `seed ${caught?.seed}, ${by.kind}: ${by.text} (file: ${by.module ?? 'unknown'})` : 'SURVIVED'}`,
    );
  }
  const survived = mutants.filter((one) => !one.caught).length;
  tell(json ? JSON.stringify({ mutants, survived }) : `${mutants.length} mutants, ${survived} survived`);
  return survived === 0 ? 0 : 1;
}

/** Returns true if a run of the seed on the unchanged code keeps all invariants. */
async function isSound(seed: number): Promise<boolean> {
  const { violations } = await runScenario(scenarioOf(seed), false);
  return violations.length === 0;
}

const program = new Command('chaos')
  .description(
    'Run the real functions over models of AWS and of the clouds, in virtual time, with faults drawn from a seed.',
  )
  .option(
    '--seeds <count>',
    `number of runs (default: ${SEEDS}); with --mutate, maximum number of runs for each mutant (default: ${MUTANT_SEEDS})`,
    wholeNumber,
  )
  .option('--from <seed>', 'begin with this seed', wholeNumber, 1)
  .option('--seed <seed>', 'run one seed, and print its trace to standard error', wholeNumber)
  .option(
    '--mutate',
    'run each mutant (the code with one rule broken); exit 1 if a mutant breaks no invariant in any run',
    false,
  )
  .addOption(new Option('--mutant <name>', 'run this mutant only').choices(MUTANTS.map(({ name }) => name)))
  .option(
    '--threads <count>',
    'number of runs in parallel',
    wholeNumber,
    Math.min(MOST_THREADS, availableParallelism()),
  )
  .option('--json', 'print the result as one line of JSON, which is the last line on standard output', false)
  .action(async (asked: AskedFlags) => {
    const mutates = asked.mutate || asked.mutant !== undefined;
    const flags: Flags = { ...asked, seeds: asked.seeds ?? (mutates ? MUTANT_SEEDS : SEEDS) };
    if (flags.seed !== undefined) process.exitCode = await replay(flags.seed);
    else process.exitCode = await (mutates ? runMutants(flags) : runMany(flags));
  });
await program.parseAsync();
