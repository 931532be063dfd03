import { setTimeout as sleep } from 'node:timers/promises';
import type * as z from 'zod';
import {
  type OperationId,
  type OperationOutput,
  type RouteOf,
  routes,
} from '../functions/entrypoints/api/contract.ts';
import type { Route } from '../functions/entrypoints/api/routes/route.ts';
import { UnexpectedAnswer } from './api-problem.ts';
import { send, type Transport } from './send.ts';

export interface ClientOptions {
  /** The API's address, without `/v1`. */
  apiUrl: string;
  apiKey: string;
  transport?: Partial<Transport>;
}

export interface CallOptions {
  /**
   * Idempotency key, for operations that accept one. If absent, the client generates a key. A retry after a
   * lost answer then creates nothing twice.
   */
  idempotencyKey?: string | undefined;
  /**
   * Seconds to wait for what the operation creates, at most 25. Only for operations that accept `Prefer: wait`. If too
   * many requests wait, the API answers immediately.
   */
  waitSeconds?: number | undefined;
  signal?: AbortSignal | undefined;
}

type Params<Id extends OperationId> = z.output<RouteOf<Id>['params']>;
type Query<Id extends OperationId> = z.output<RouteOf<Id>['query']>;
/**
 * Leaves out the part `params` or `query` of an input if the part has no fields. zod's type of such a part is
 * `Record<string, never>`.
 */
type WhereAny<Part, Fields> = string extends keyof Part ? unknown : Fields;
type Body<R> = R extends { body: infer Schema extends z.ZodType } ? { body: z.input<Schema> } : unknown;

/** The input of an operation: `params`, `query` and `body`, each only if the operation has it. */
export type CallInput<Id extends OperationId> = WhereAny<Params<Id>, { params: Params<Id> }> &
  WhereAny<Query<Id>, { query?: { [Name in keyof Query<Id>]?: Query<Id>[Name] | undefined } }> &
  Body<RouteOf<Id>> &
  CallOptions;

type Call<Id extends OperationId> =
  Record<never, never> extends CallInput<Id>
    ? (input?: CallInput<Id>) => Promise<OperationOutput<Id>>
    : (input: CallInput<Id>) => Promise<OperationOutput<Id>>;

/** A client with one method for each operation of the contract. */
export type Client = { readonly [Id in OperationId]: Call<Id> };

interface AnyInput extends CallOptions {
  params?: Record<string, unknown>;
  query?: Record<string, unknown>;
  body?: unknown;
}

const systemTransport: Transport = {
  fetch: (...request) => fetch(...request),
  pause: (ms, signal) => sleep(ms, undefined, signal ? { signal } : {}),
  random: Math.random,
};

/**
 * Creates a client of the API. The client's methods throw `ApiProblem` when the API refuses the request,
 * `ApiUnreachable` when no answer came, and `UnexpectedAnswer` when the answer does not match the contract.
 *
 * @throws TypeError for an API key that cannot be sent in a header
 */
export function createClient({ apiUrl, apiKey, transport }: ClientOptions): Client {
  // The error of `fetch` for a header with such characters would repeat the key.
  if (!/^[\x21-\x7e]+$/.test(apiKey)) throw new TypeError('apiKey must be printable ASCII without blanks');
  const base = apiUrl.replace(/\/+$/, '');
  const edge = { ...systemTransport, ...transport };
  const call =
    (route: Route) =>
    async (input: AnyInput = {}): Promise<unknown> => {
      const answer = await send(edge, {
        apiUrl: base,
        method: route.method,
        path: pathOf(route, input),
        headers: headersOf(route, apiKey, input),
        body: route.body ? JSON.stringify(input.body) : undefined,
        repeatable: route.method !== 'POST' || route.idempotent === true,
        removes: route.method === 'DELETE' && route.status === 204,
        signal: input.signal,
      });
      if (!route.response) return undefined;
      const parsed = route.response.safeParse(answer);
      if (parsed.success) return parsed.data;
      const [issue] = parsed.error.issues;
      throw new UnexpectedAnswer(route.operationId, `${issue?.path.join('/')}: ${issue?.message}`);
    };
  // The compiler cannot check this cast. The cast is safe, because a method's type and the schema that parses
  // the method's answer come from the same route of the contract.
  return Object.fromEntries(routes.map((route) => [route.operationId, call(route)])) as unknown as Client;
}

function pathOf(route: Route, { params = {}, query = {} }: AnyInput): string {
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String(params[name])),
  );
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  return search.size > 0 ? `${path}?${search}` : path;
}

function headersOf(
  route: Route,
  apiKey: string,
  { idempotencyKey, waitSeconds }: CallOptions,
): Record<string, string> {
  return {
    accept: 'application/json, application/problem+json',
    authorization: `Bearer ${apiKey}`,
    ...(route.body ? { 'content-type': 'application/json' } : {}),
    ...(route.waits && waitSeconds ? { prefer: `wait=${waitSeconds}` } : {}),
    ...(route.idempotent ? { 'idempotency-key': idempotencyKey ?? crypto.randomUUID() } : {}),
  };
}
