import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { measureRun } from './from-books.ts';
import { SIMULATED_LIMITS } from './limits.ts';

interface Flags {
  startedAt: string;
  deployment?: string;
}

await new Command('ideal')
  .description(
    'The ideal and the real schedule of a run, from the books of the simulated clouds, as one JSON line',
  )
  .argument('<books>', 'answer of GET /_sim/books in a file, or - for standard input')
  .requiredOption('--started-at <time>', 'when the first create request was accepted, ISO 8601')
  .option('--deployment <id>', 'only what this deployment made')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .action((file: string, { startedAt, deployment }: Flags) => {
    const books: unknown = JSON.parse(readFileSync(file === '-' ? 0 : file, 'utf8'));
    const result = measureRun({
      books,
      limits: SIMULATED_LIMITS,
      startedAt,
      ...(deployment === undefined ? {} : { deploymentId: deployment }),
    });
    process.stdout.write(`${JSON.stringify(result)}\n`);
  })
  .parseAsync();
