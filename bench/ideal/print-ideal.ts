import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { booksSchema, measureRun } from './from-books.ts';
import { SIMULATED_LIMITS } from './limits.ts';

interface Flags {
  startedAt: string;
  deployment?: string;
}

const isoTime = (text: string) => {
  if (Number.isNaN(Date.parse(text))) throw new InvalidArgumentError('must be an ISO 8601 time.');
  return text;
};

function readBooks(file: string): z.infer<typeof booksSchema> {
  try {
    return booksSchema.parse(JSON.parse(readFileSync(file === '-' ? 0 : file, 'utf8')));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    process.stderr.write(`${file}: not the books of the simulated clouds: ${why}\n`);
    process.exit(2);
  }
}

await new Command('ideal')
  .description(
    'The ideal and the real schedule of a run, from the books of the simulated clouds, as one JSON line',
  )
  .argument('<books>', 'answer of GET /_sim/books in a file, or - for standard input')
  .requiredOption('--started-at <time>', 'when the first create request was accepted, ISO 8601', isoTime)
  .option('--deployment <id>', 'only what this deployment made')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .action((file: string, { startedAt, deployment }: Flags) => {
    const books = readBooks(file);
    const result = measureRun({
      books,
      limits: SIMULATED_LIMITS,
      startedAt,
      ...(deployment === undefined ? {} : { deploymentId: deployment }),
    });
    process.stdout.write(`${JSON.stringify(result)}\n`);
  })
  .parseAsync();
