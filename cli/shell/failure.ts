import { ApiProblem, ApiUnreachable, UnexpectedAnswer } from '../../client/index.ts';
import { CliError, EXIT } from './exit.ts';
import { type FileError, sourceLines } from './file-error.ts';
import { errorAt, type Located, pathOf } from './yaml-file.ts';

/** Errors of a file that are shown with the line of the file. */
export const MOST_SOURCES = 10;

/** An error as text for people, as a document for `--json`, and as an exit code. */
export interface Told {
  text: string;
  document: { error: Record<string, unknown> };
  exitCode: number;
}

export function tell(error: unknown): Told {
  const known = cliErrorOf(error);
  const details = known.details.map((line, at) => detailText(line, known.fileErrors?.[at], at)).join('');
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

/** Returns a detail for people. The first details about a file show the line of the file. */
function detailText(line: string, error: FileError | undefined, at: number): string {
  const source = error === undefined || at >= MOST_SOURCES ? [] : sourceLines(error);
  return [`  ${line}\n`, ...source.map((shown) => `    ${shown}\n`)].join('');
}

function cliErrorOf(error: unknown): CliError {
  if (error instanceof CliError) return error;
  if (error instanceof ApiProblem) return problemError(error);
  if (error instanceof ApiUnreachable) {
    return new CliError(
      EXIT.unreachable,
      'unreachable',
      error.message,
      'Check --api-url and the network. For the local stack, run `fleetwright local status`, then `fleetwright local up`.',
      { cause: error },
    );
  }
  if (error instanceof UnexpectedAnswer) {
    return new CliError(
      EXIT.unreachable,
      'unexpected-answer',
      error.message,
      'Check that --api-url is the URL of a Fleetwright API of the same version as this command.',
      { cause: error },
    );
  }
  return new CliError(
    EXIT.unreachable,
    'unexpected',
    error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    'Run the command again with FLEETWRIGHT_DEBUG=1 to see the stack trace, and report it.',
    { cause: error },
  );
}

/**
 * Converts a problem from the API to an error with a line for each wrong field.
 *
 * @param source the file from which the request's body was read; if given, each line has the line and column
 *   of its field
 */
export function problemError(problem: ApiProblem, source?: Located<unknown>): CliError {
  const refused = problem.status < 500 && problem.status !== 429;
  const details = problem.errors.map(({ pointer, code, message }) => {
    const position = source && pointer.startsWith('/') ? `${source.locate(pathOf(pointer))}  ` : '';
    return `${position}${pointer || '/'}: ${message} (${code})`;
  });
  return new CliError(
    refused ? EXIT.usage : EXIT.unreachable,
    problem.code,
    problem.message,
    nextOf(problem),
    {
      details,
      fileErrors: source && problem.errors.length > 0 ? fileErrorsOf(problem.errors, source) : undefined,
      data: {
        status: problem.status,
        ...(problem.requestId === undefined ? {} : { requestId: problem.requestId }),
        ...(problem.errors.length > 0 ? { errors: problem.errors } : {}),
        ...(problem.fleetStatus === undefined ? {} : { fleetStatus: problem.fleetStatus }),
        ...(problem.allowed === undefined ? {} : { allowed: problem.allowed }),
        ...(problem.keptDisks === undefined ? {} : { keptDisks: problem.keptDisks }),
      },
      cause: problem,
    },
  );
}

function nextOf({ status, code, requestId, errors, allowed }: ApiProblem): string {
  const request = requestId === undefined ? '' : ` (request ${requestId})`;
  if (allowed) return allowedText(allowed);
  if (code === 'disks-kept')
    return 'Remove the disks first, or give --forget-disks: they then stay at the cloud, cost money, and are listed nowhere.';
  if (code === 'deployment-ending')
    return 'Use another deployment, or ask the operator who removes this one.';
  switch (status) {
    case 401:
    case 403:
      return 'Check FLEETWRIGHT_API_KEY: the key may be revoked, expired, or of another deployment.';
    case 404:
      return 'Run the `list` verb of the same noun to see what exists, and check --namespace.';
    case 409:
      return 'Choose another name, or remove the cause named above first.';
    case 422:
      return 'Choose another --idempotency-key: this one was used with a different request.';
    case 429:
      return 'Wait a moment and run the command again.';
    default:
      if (status >= 500)
        return `Wait a moment and run the command again. If it fails again, read the log of the API${request}.`;
      return errors.length > 0
        ? 'Correct the fields named above and run the command again.'
        : `Correct the request${request} and run the command again.`;
  }
}

function allowedText(allowed: readonly string[]): string {
  if (allowed.length === 0) return 'The fleet allows only `fleetwright fleet delete` now.';
  return `The fleet allows now: ${allowed.map((action) => `\`fleetwright fleet ${action}\``).join(', ')}.`;
}

/** Adds the position in the file to errors about the fields of a request. */
export function fileErrorsOf(
  errors: readonly { pointer: string; code: string; message: string }[],
  source: Pick<Located<unknown>, 'locate' | 'lineAt'>,
): FileError[] {
  return errors.map(({ pointer, code, message }) => ({
    ...errorAt(source, pointer.startsWith('/') ? pathOf(pointer) : [], code, message),
    pointer,
  }));
}
