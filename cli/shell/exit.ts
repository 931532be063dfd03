/** What the command's exit code says; the same in every command. */
export const EXIT = {
  done: 0,
  /** The work came to an end, but not to the one that was asked for. */
  otherwise: 1,
  /** Wrong use: flags, files, or a request that the API refuses. */
  usage: 2,
  /** Something that is needed cannot be reached or started. */
  unreachable: 3,
  /** Ctrl-C: the shells' 128 + SIGINT. What was started goes on. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends the command with a message and, in `next`, what the user can do about it. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;
  readonly code: string;
  readonly next: string;
  /** One line for each thing that is wrong. */
  readonly details: readonly string[];
  /** What the JSON document of the error carries beside the message. */
  readonly data: Record<string, unknown>;

  constructor(
    exitCode: ExitCode,
    code: string,
    message: string,
    next: string,
    more: { details?: readonly string[]; data?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, { cause: more.cause });
    this.exitCode = exitCode;
    this.code = code;
    this.next = next;
    this.details = more.details ?? [];
    this.data = more.data ?? {};
  }
}

export function usageError(message: string, next: string, details: readonly string[] = []): CliError {
  return new CliError(EXIT.usage, 'wrong-use', message, next, { details });
}
