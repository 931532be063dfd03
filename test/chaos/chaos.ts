import { Command } from 'commander';
import { type RunResult, runScenario } from './scenario/run.ts';
import { scenarioOf } from './scenario/scenario.ts';

const REPLAY = 'npm run --silent chaos -- --seed';

interface Flags {
  seeds: number;
  from: number;
  seed?: number;
  json: boolean;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${text} is no whole number`);
  return value;
}

const say = (line: string) => process.stderr.write(`${line}\n`);

async function runMany({ seeds, from }: Flags): Promise<number> {
  const startMs = performance.now();
  const summary = { runs: 0, violations: 0, leaked: 0, duplicated: 0, stuck: 0 };
  const totals: Record<string, number> = {};
  for (let seed = from; seed < from + seeds; seed += 1) {
    const result = await runScenario(scenarioOf(seed), false);
    summary.runs += 1;
    if (result.violations.length > 0) summary.violations += 1;
    for (const kind of ['leaked', 'duplicated', 'stuck'] as const) {
      if (result.violations.some((one) => one.kind === kind)) summary[kind] += 1;
    }
    for (const [name, count] of Object.entries(result.counts)) totals[name] = (totals[name] ?? 0) + count;
    report(result);
  }
  const seconds = Math.round((performance.now() - startMs) / 100) / 10;
  process.stdout.write(`${JSON.stringify({ ...summary, ...totals, seconds })}\n`);
  return summary.violations === 0 ? 0 : 1;
}

function report({ seed, violations }: RunResult): void {
  if (violations.length === 0) return;
  say(
    `seed ${seed}: ${violations
      .map(({ kind, text }) => `${kind}: ${text}`)
      .slice(0, 5)
      .join('\n  ')}`,
  );
  say(`  replay: ${REPLAY} ${seed}`);
}

async function replay(seed: number): Promise<number> {
  const scenario = scenarioOf(seed);
  const result = await runScenario(scenario, true);
  for (const line of result.trace) say(line);
  report(result);
  process.stdout.write(`${JSON.stringify({ seed, digest: result.digest, violations: result.violations })}\n`);
  return result.violations.length === 0 ? 0 : 1;
}

const program = new Command('chaos')
  .option('--seeds <count>', 'how many runs', wholeNumber, 100)
  .option('--from <seed>', 'the first seed', wholeNumber, 1)
  .option('--seed <seed>', 'one run, with its trace', wholeNumber)
  .option('--json', 'the summary as one line of JSON on standard output', false)
  .action(async (flags: Flags) => {
    process.exitCode = flags.seed === undefined ? await runMany(flags) : await replay(flags.seed);
  });
await program.parseAsync();
