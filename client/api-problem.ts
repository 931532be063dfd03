import * as z from 'zod';

const fieldErrorSchema = z.object({ pointer: z.string(), code: z.string(), message: z.string() });

/** A kept disk that a refused request would have forgotten. `usdPerMonth` is absent if the price is not known. */
const keptDiskSchema = z.object({
  name: z.string(),
  location: z.string(),
  backendId: z.string().optional(),
  sizeGb: z.number().optional(),
  diskType: z.string().optional(),
  usdPerMonth: z.number().optional(),
});

/**
 * Schema of an error answer. All fields are optional, because a proxy between client and API may answer in
 * its own format.
 */
const problemSchema = z.object({
  title: z.string().optional(),
  code: z.string().optional(),
  detail: z.string().optional(),
  /** API Gateway itself sends `message` instead of `detail`. */
  message: z.string().optional(),
  requestId: z.string().optional(),
  errors: z.array(fieldErrorSchema).default([]),
  fleetStatus: z.string().optional(),
  allowed: z.array(z.string()).optional(),
  keptDisks: z.array(keptDiskSchema).optional(),
});

/**
 * Describes one wrong field. `pointer` is `/…` for a field of the body, `?name` for a query parameter, `{name}` for a
 * part of the path.
 */
export type FieldError = z.infer<typeof fieldErrorSchema>;

/**
 * Thrown when the API refuses a request. The error has the fields of the answer's problem JSON. The values of
 * `code` are stable. If the answer has no code, `code` is `http-<status>`.
 */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string | undefined;
  readonly errors: readonly FieldError[];
  /**
   * The fleet's status, if the status does not allow the requested action. `allowed` lists the actions that
   * the status allows.
   */
  readonly fleetStatus: string | undefined;
  readonly allowed: readonly string[] | undefined;
  /** The kept disks of a connection, if they keep it from being deleted. At most the first 100. */
  readonly keptDisks: readonly z.infer<typeof keptDiskSchema>[] | undefined;

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
    this.keptDisks = problem?.keptDisks;
  }
}

/**
 * Thrown when no answer came, after all retries that are safe. The request may have taken effect
 * nevertheless.
 */
export class ApiUnreachable extends Error {
  constructor(apiUrl: string, cause: unknown) {
    super(`${apiUrl} did not answer: ${reasonOf(cause)}`, { cause });
    this.name = 'ApiUnreachable';
  }
}

/**
 * Thrown when an answer does not match the API's contract: client and API have different versions, or the server is not
 * Fleetwright's API.
 */
export class UnexpectedAnswer extends Error {
  constructor(operationId: string, why: string) {
    super(`the answer to ${operationId} does not match this client's contract: ${why}`);
    this.name = 'UnexpectedAnswer';
  }
}

/**
 * Returns the reason why `fetch` failed. The reason is in the error's `cause`; the error itself only says
 * that `fetch` failed.
 */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || reasonCode(error.cause) : error.message;
}

function reasonCode(error: Error): string {
  return 'code' in error ? String(error.code) : error.name;
}
