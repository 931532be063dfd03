import type * as z from 'zod';
import { issueErrors } from '../../model/issue-text.ts';
import { plainText } from '../../model/plain-text.ts';
import type { CapReached } from '../../platform/store/key-caps.ts';
import { PROBLEM_STATUS, type ProblemCode, STATUS_TITLES } from './routes/problem-codes.ts';

/** An error in one field: a pointer to the field, a stable code, and a message. */
export interface FieldError {
  /** JSON Pointer into the body; `?name` for a query parameter, `{name}` for a part of the path. */
  pointer: string;
  code: string;
  message: string;
}

/** An error that the user gets as RFC 9457 problem JSON. `code` is stable: scripts rely on it. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly errors: readonly FieldError[];
  readonly headers: Readonly<Record<string, string>>;
  /** Further members of the problem JSON, which RFC 9457 allows. */
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(
    code: ProblemCode,
    detail: string,
    {
      errors = [],
      headers = {},
      extra = {},
    }: {
      errors?: readonly FieldError[];
      headers?: Record<string, string>;
      extra?: Record<string, unknown>;
    } = {},
  ) {
    super(detail);
    this.name = 'Problem';
    this.code = code;
    this.errors = errors;
    this.headers = headers;
    this.extra = extra;
  }
}

export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  code: ProblemCode;
  detail: string;
  requestId: string;
  errors: readonly FieldError[];
}

export function problemBody(problem: Problem, requestId: string): ProblemBody {
  const status = PROBLEM_STATUS[problem.code];
  return {
    type: `urn:fleetwright:problem:${problem.code}`,
    title: STATUS_TITLES[status],
    status,
    code: problem.code,
    detail: problem.message,
    requestId,
    errors: problem.errors,
    ...problem.extra,
  };
}

/** Returns the problem of a request that a deployment does not accept while it is being removed. */
export function deploymentEnding(what: string, since: string): Problem {
  return new Problem(
    'deployment-ending',
    `${what}: the deployment is being removed since ${since}. To keep the deployment, run \`fleetwright deployment destroy --cancel\``,
  );
}

/**
 * Returns the problem of a request without valid credentials.
 *
 * @param token what is wrong with a token; absent: one text, whatever is wrong with an API key
 */
export function unauthorized(token?: string): Problem {
  const challenge = 'Bearer realm="fleetwright"';
  if (token !== undefined)
    return new Problem('unauthorized', `the token ${token}: get a new one from its issuer`, {
      headers: { 'www-authenticate': `${challenge}, error="invalid_token"` },
    });
  return new Problem(
    'unauthorized',
    'the API key is missing or not valid: send it as Authorization: Bearer <key>',
    { headers: { 'www-authenticate': challenge } },
  );
}

/** Returns the problem of a known user to whom no binding gives a role. */
export function unbound(who: string): Problem {
  return new Problem(
    'forbidden',
    `${plainText(who, MAX_SUBJECT_SHOWN)} has no role: an admin can give it one with \`fleetwright binding create\``,
  );
}
const MAX_SUBJECT_SHOWN = 700;

/** Returns the problem of a token that cannot be checked, because its issuer does not answer. */
export function issuerUnreachable({ message }: Error): Problem {
  return new Problem(
    'issuer-unreachable',
    `the token cannot be checked now: ${plainText(message, MAX_SUBJECT_SHOWN)}. Try again in some seconds, or use an API key`,
    { headers: { 'retry-after': '10' } },
  );
}

/** Returns the problem of a request that would exceed a cap of an API key. */
export function capReached({ keyId, cap, limit }: CapReached): Problem {
  const whole =
    cap === 'maxTotalUsdPerHour'
      ? `its fleets may cost ${limit} USD per hour together`
      : `it may request ${limit} removals of machines and disks a day`;
  return new Problem('cap-reached', `the request exceeds the cap ${cap} of API key ${keyId}: ${whole}`);
}

export function notFound(what: string): Problem {
  return new Problem('not-found', `${what} does not exist`);
}

/** Maximum number of errors in one answer. Further errors are left out. */
const MAX_ERRORS = 1_000;

/** Refuses a request if `errors` is not empty. @throws Problem 400 `invalid-request` with these errors */
export function refuse(errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalidRequest(errors);
}

/** Returns the problem of a request with namespaces that do not exist. @param at their indexes */
export function unknownNamespaces(at: readonly number[]): Problem {
  return invalidRequest(
    at.map((index) => ({
      pointer: `/namespaces/${index}`,
      code: 'unknown-namespace',
      message: 'does not exist, or is being deleted',
    })),
  );
}

/** Returns the problem of a request with errors. */
export function invalidRequest(found: readonly FieldError[]): Problem {
  const errors = found.map(withoutSecret);
  const many = errors.length === 1 ? '1 error' : `${errors.length} errors`;
  const shown = errors.length > MAX_ERRORS ? `; the first ${MAX_ERRORS} are listed` : '';
  return new Problem('invalid-request', `the request has ${many}${shown}`, {
    errors: errors.slice(0, MAX_ERRORS),
  });
}

/** Matches what can be the name of a credential's field. A secret that was sent as a name has other characters. */
const FIELD_NAME = /^[A-Za-z]{1,32}$/;

/**
 * Returns an error whose pointer repeats no secret. A user may send a secret where the name of a credential's field belongs.
 */
function withoutSecret(error: FieldError): FieldError {
  const [, within, name] = /^((?:\/credential)+)\/([^/]*)/.exec(error.pointer) ?? [];
  return within === undefined || FIELD_NAME.test(name ?? '') ? error : { ...error, pointer: within };
}

/**
 * Returns the issues of a failed parse as field errors.
 *
 * @param refused the schema and the value that it refused; messages then propose known words
 */
export function fieldErrors(
  error: z.ZodError,
  pointerOf = jsonPointer,
  refused?: { schema: z.ZodType; value: unknown },
): FieldError[] {
  return issueErrors(error, refused?.schema, refused?.value).map(({ path, code, message }) => ({
    pointer: pointerOf(path),
    code,
    message,
  }));
}

export function jsonPointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
