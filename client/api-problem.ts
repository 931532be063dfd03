import { z } from 'zod';

const fieldErrorSchema = z.object({ pointer: z.string(), code: z.string(), message: z.string() });

/** Accepts any fields: a proxy between client and API may answer in its own format. */
const problemSchema = z.object({
  title: z.string().optional(),
  code: z.string().optional(),
  detail: z.string().optional(),
  /** The gateway sends `message` instead of a detail. */
  message: z.string().optional(),
  requestId: z.string().optional(),
  errors: z.array(fieldErrorSchema).default([]),
  fleetStatus: z.string().optional(),
  allowed: z.array(z.string()).optional(),
});

/** One wrong field: `/…` in the body, `?name` in the query, `{name}` in the path. */
export type FieldError = z.infer<typeof fieldErrorSchema>;

/**
 * Thrown when the API refuses a request; made from its problem JSON. `code` is stable. If the answer has no code, it is
 * `http-<status>`.
 */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string | undefined;
  readonly errors: readonly FieldError[];
  /** For a fleet that refused an action: its status. `allowed` has the actions that it allows. */
  readonly fleetStatus: string | undefined;
  readonly allowed: readonly string[] | undefined;

  constructor(status: number, body: unknown) {
    const problem = problemSchema.safeParse(body).data;
    super(
      problem?.detail ??
        problem?.message ??
        problem?.title ??
        `the API answered with status ${status} and no problem detail`,
    );
    this.name = 'ApiProblem';
    this.status = status;
    this.code = problem?.code ?? `http-${status}`;
    this.requestId = problem?.requestId;
    this.errors = problem?.errors ?? [];
    this.fleetStatus = problem?.fleetStatus;
    this.allowed = problem?.allowed;
  }
}

/** Thrown when no answer came, after all retries that are safe. A request that changes something may have succeeded. */
export class ApiUnreachable extends Error {
  constructor(apiUrl: string, cause: unknown) {
    super(`${apiUrl} did not answer: ${reasonOf(cause)}`, { cause });
    this.name = 'ApiUnreachable';
  }
}

/**
 * Thrown for an answer that the contract does not have: client and API have different versions, or the server is not
 * Fleetwright's API.
 */
export class UnexpectedAnswer extends Error {
  constructor(operationId: string, why: string) {
    super(`this client does not understand the answer to ${operationId}: ${why}`);
    this.name = 'UnexpectedAnswer';
  }
}

/** Returns the reason of a failure. `fetch` only says that it failed; the reason is in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || reasonCode(error.cause) : error.message;
}

function reasonCode(error: Error): string {
  return 'code' in error ? String(error.code) : error.name;
}
