import * as z from 'zod';
import type { Role } from '../../../model/access.ts';
import type { TargetKind } from '../../../model/audit-entry.ts';
import { nameSchema } from '../../../model/identifiers.ts';
import { DEFAULT_PAGE, MAX_PAGE } from '../../../model/paging.ts';
import type { ProblemCode } from './problem-codes.ts';

/** What the audit log tells of an operation that changes something. */
export interface Audited {
  /** Type of the entries: the thing and the act. */
  readonly type: string;
  /** The text in the body that has the act, if the operation has several. It replaces the one in `type`. */
  readonly by?: string;
  /** Kind of the thing. */
  readonly kind: TargetKind;
  /** The parameter of the path that names the thing. Absent: the body names it. */
  readonly param?: string;
  /** The text in the body that names the thing. Absent: `name`. */
  readonly field?: string;
  /** Names of values of the body, or of the answer, that the entry has, too. They must be short, and no secrets. */
  readonly facts?: readonly string[];
}

/** One operation of the API, as data. Handlers, OpenAPI document, typed client and gateway are derived from it. */
export type Route = ReadingRoute | ChangingRoute;

interface ReadingRoute extends AnyRoute {
  readonly method: 'GET';
  readonly audited?: never;
}

interface ChangingRoute extends AnyRoute {
  readonly method: 'POST' | 'PUT' | 'DELETE';
  /** What the audit log tells of the operation; null if the operation changes nothing. */
  readonly audited: Audited | null;
}

interface AnyRoute {
  readonly operationId: string;
  /** Path with its parameters as `{name}`, in the notation of API Gateway and OpenAPI. */
  readonly path: string;
  /** The function that answers the operation. */
  readonly handler: 'fleets' | 'resources' | 'connections' | 'catalogue' | 'access';
  readonly summary: string;
  /**
   * The lowest role that may use the operation. If the path has `{namespace}`, the caller needs the role in that namespace.
   */
  readonly needs: Role;
  /** True if the answer depends on who asks. The operation then gets the caller. */
  readonly forCaller?: true;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  /** Schema of the body. Absent if the operation reads no body. */
  readonly body?: z.ZodType;
  /**
   * Returns the schema of a body that may have several forms, so that errors are those of its form. Absent: `body`.
   */
  readonly bodyOf?: (json: unknown) => z.ZodType;
  /**
   * True if a repeated POST with the same `Idempotency-Key` creates nothing, and returns what the first POST
   * created.
   */
  readonly idempotent?: boolean;
  /** True if the header `Prefer: wait=<seconds>` makes the operation wait for what it creates. */
  readonly waits?: boolean;
  readonly status: 200 | 201 | 202 | 204;
  /** Schema of the answer. Absent if the status is 204. */
  readonly response?: z.ZodType;
  /** Problem codes of the operation, in addition to those that `problemsOf` derives. */
  readonly refusals?: readonly ProblemCode[];
}

export function route<const R extends Route>(definition: R): R {
  return definition;
}

/** Returns every problem code that an operation may answer with. */
export function problemsOf(one: Route): ProblemCode[] {
  return [
    'invalid-request',
    ...(one.body ? (['malformed-json', 'body-too-large', 'unsupported-media-type'] as const) : []),
    'unauthorized',
    // A user without a binding is refused by every operation.
    'forbidden',
    ...(Object.keys(one.params.shape).length > 0 ? (['not-found'] as const) : []),
    ...(one.refusals ?? []),
    ...(one.idempotent ? (['idempotency-key-reused'] as const) : []),
    'internal-error',
    'issuer-unreachable',
  ];
}

export const noParams = z.strictObject({});
export const noQuery = z.strictObject({});
export const namespaceParams = z.strictObject({ namespace: nameSchema });

/** Matches a number as JSON writes it. */
const NUMBER = /^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,30})?(e[+-]?[0-9]{1,3})?$/i;

/** Reads a number from a query parameter. `0x10`, `Infinity`, blanks and the empty text are no numbers. */
export function numeric<S extends z.ZodNumber>(schema: S) {
  return z.preprocess(
    (text) => (typeof text === 'string' && NUMBER.test(text) ? Number(text) : text),
    schema,
  );
}

/** Query of every list. The cursor comes from the previous page and is opaque. */
export const pageQuery = z.strictObject({
  limit: numeric(z.int().min(1).max(MAX_PAGE)).prefault(DEFAULT_PAGE),
  cursor: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,2048}$/, 'must be the `cursor` of an earlier page')
    .optional(),
});

export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), cursor: z.string().nullable() });
}
