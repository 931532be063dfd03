import { type FileError, fileErrorLine } from './file-error.ts';

/** The exit codes. Each code has one meaning in all commands. */
export const EXIT = {
  done: 0,
  /** The work has ended, but not with the requested result. */
  otherwise: 1,
  /** The command was used in a wrong way: wrong flags, wrong files, or a request that the API refuses. */
  usage: 2,
  /** Something that the command needs cannot be reached or started. */
  unreachable: 3,
  /** The user pressed Ctrl-C: 128 + SIGINT, as in shells. Work that was started continues. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** An error that ends a command with a message. `next` tells the user what to do. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;
  readonly code: string;
  readonly next: string;
  /** Details of the error, one line for each detail. */
  readonly details: readonly string[];
  /** Errors in a file that the command read, each with its position. Absent: the error is not about a file's content. */
  readonly fileErrors: readonly FileError[] | undefined;
  /** Further fields of the error's JSON document. */
  readonly data: Record<string, unknown>;

  constructor(
    exitCode: ExitCode,
    code: string,
    message: string,
    next: string,
    more: {
      details?: readonly string[];
      data?: Record<string, unknown>;
      fileErrors?: readonly FileError[] | undefined;
      cause?: unknown;
    } = {},
  ) {
    super(message, { cause: more.cause });
    this.exitCode = exitCode;
    this.code = code;
    this.next = next;
    this.details = more.details ?? [];
    this.fileErrors = more.fileErrors;
    this.data = more.data ?? {};
  }
}

/** Returns the error for a file whose content has errors. */
export function fileError(message: string, next: string, errors: readonly FileError[]): CliError {
  const details = errors.map(fileErrorLine);
  return new CliError(EXIT.usage, 'wrong-use', message, next, { details, fileErrors: errors });
}

export function usageError(message: string, next: string, details: readonly string[] = []): CliError {
  return new CliError(EXIT.usage, 'wrong-use', message, next, { details });
}
