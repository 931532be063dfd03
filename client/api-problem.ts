import { z } from 'zod';

const fieldErrorSchema = z.object({ pointer: z.string(), code: z.string(), message: z.string() });

/** Read leniently: whatever stands between us and the API may answer in words of its own. */
const problemSchema = z.object({
  title: z.string().optional(),
  code: z.string().optional(),
  detail: z.string().optional(),
  /** What the gateway says instead of a detail. */
  message: z.string().optional(),
  requestId: z.string().optional(),
  errors: z.array(fieldErrorSchema).default([]),
  fleetStatus: z.string().optional(),
  allowed: z.array(z.string()).optional(),
});

/** One offending field: `/…` in the body, `?name` in the query, `{name}` in the path. */
export type FieldError = z.infer<typeof fieldErrorSchema>;

/** The API's refusal, as its problem JSON tells it. `code` is stable; where it has none, it is `http-<status>`. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string | undefined;
  readonly errors: readonly FieldError[];
  /** Of a fleet that refused an action: what it is, and which actions it allows instead. */
  readonly fleetStatus: string | undefined;
  readonly allowed: readonly string[] | undefined;

  constructor(status: number, body: unknown) {
    const problem = problemSchema.safeParse(body).data;
    super(problem?.detail ?? problem?.message ?? problem?.title ?? `the API answered with status ${status}`);
    this.name = 'ApiProblem';
    this.status = status;
    this.code = problem?.code ?? `http-${status}`;
    this.requestId = problem?.requestId;
    this.errors = problem?.errors ?? [];
    this.fleetStatus = problem?.fleetStatus;
    this.allowed = problem?.allowed;
  }
}

/** No answer came, though it was tried for as long as it made sense: a request that changes something may have worked. */
export class ApiUnreachable extends Error {
  constructor(apiUrl: string, cause: unknown) {
    super(`no answer from ${apiUrl}: ${reasonOf(cause)}`, { cause });
    this.name = 'ApiUnreachable';
  }
}

/** An answer came that the contract does not know: client and API are of different versions, or it is not our API. */
export class UnexpectedAnswer extends Error {
  constructor(operationId: string, why: string) {
    super(`the answer to ${operationId} is not what this client knows: ${why}`);
    this.name = 'UnexpectedAnswer';
  }
}

/** `fetch` says only that it failed; what happened is in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || reasonCode(error.cause) : error.message;
}

function reasonCode(error: Error): string {
  return 'code' in error ? String(error.code) : error.name;
}
