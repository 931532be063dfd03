import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import * as z from 'zod';
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
    process.stderr.write(`${file} is not an answer of GET /_sim/books: ${why}\n`);
    process.exit(2);
  }
}

await new Command('ideal')
  .description(
    'Prints the ideal and the real schedule of a run as one JSON line. Reads them from the books: the simulated clouds’ own record of instances and calls.',
  )
  .argument('<books>', 'file with the answer of GET /_sim/books, or - for standard input')
  .requiredOption(
    '--started-at <time>',
    'ISO 8601 time at which the first create request was accepted',
    isoTime,
  )
  .option('--deployment <id>', 'only instances of this deployment')
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
