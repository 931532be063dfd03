import { CliError, EXIT } from './exit.ts';

/** An error as it is told: lines for people, a document for `--json`, and the exit code. */
export interface Told {
  text: string;
  document: { error: Record<string, unknown> };
  exitCode: number;
}

export function tell(error: unknown): Told {
  const known =
    error instanceof CliError
      ? error
      : new CliError(
          EXIT.unreachable,
          'unexpected',
          error instanceof Error ? `${error.name}: ${error.message}` : String(error),
          'Run it again with FLEETWRIGHT_DEBUG=1 to see where this comes from, and report it.',
        );
  const details = known.details.map((line) => `  ${line}\n`).join('');
  return {
    text: `error: ${known.message}\n${details}${known.next}\n`,
    document: {
      error: {
        code: known.code,
        message: known.message,
        ...(known.details.length > 0 ? { details: known.details } : {}),
        next: known.next,
        ...known.data,
      },
    },
    exitCode: known.exitCode,
  };
}
