import middy from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { logger } from '../../platform/runtime/logger.ts';
import { measured } from '../../platform/runtime/measured.ts';
import type { Store } from '../../platform/store/store.ts';
import { ANSWER_HEADERS } from './answer-headers.ts';
import { noteRefusal } from './audit-refusal.ts';
import { originOf, type Seen } from './audit-request.ts';
import { authenticate, type Tokens } from './authenticate.ts';
import { authorize } from './authorize.ts';
import { withoutBackendIds } from './backend-ids.ts';
import type { OperationId, OperationInput, OperationOutput } from './contract.ts';
import { routes } from './contract.ts';
import { markOfList, withMark, withoutMark } from './list-cursor.ts';
import { matchRoute } from './match.ts';
import { parseRequest } from './parse.ts';
import { performAudited } from './perform-audited.ts';
import { type FieldError, invalidRequest, Problem, problemBody } from './problem.ts';

/** An operation's answer: the body and further headers. */
export interface Answer<Body> {
  body: Body;
  headers?: Record<string, string>;
  /** Present if the operation has changed nothing, because an earlier request with the same key has. */
  isReplay?: true;
}

export type Operation<Id extends OperationId> = (
  input: OperationInput<Id>,
) => Promise<Answer<OperationOutput<Id>>>;

type HandlerName = (typeof routes)[number]['handler'];
/** The operations of one API function: all operations of the contract with this `handler`. */
export type OperationsOf<Handler extends HandlerName> = {
  [Id in Extract<(typeof routes)[number], { handler: Handler }>['operationId']]: Operation<Id>;
};

type AnyOperation = (input: never) => Promise<Answer<unknown>>;

/**
 * Checks a body that the schema has refused for errors that the schema cannot find. The user then gets the
 * errors of both checks together.
 *
 * @param params values of the path parameters, by name
 */
export type Inspection = (params: Record<string, string>, body: unknown) => Promise<FieldError[]>;

export interface HandleOptions {
  handler: HandlerName;
  store: Store<'access' | 'audit'>;
  /** The issuer whose tokens are accepted. Absent: API keys only. */
  tokens?: Tokens | undefined;
  operations: Readonly<Record<string, AnyOperation>>;
  inspections?: Readonly<Partial<Record<OperationId, Inspection>>>;
}

/**
 * Returns the Lambda handler of one of the API's functions. The handler authenticates the request, finds the
 * operation, checks that the caller may use it, parses the whole request, calls the operation and encodes the answer. The handler answers every
 * error as problem JSON, and writes one log line for each request. This line contains no text of the request.
 */
export function handle({ handler, store, tokens, operations, inspections = {} }: HandleOptions) {
  const own = routes.filter((route) => route.handler === handler);
  const answer = async (
    event: APIGatewayProxyEventV2,
    seen: Seen,
  ): Promise<APIGatewayProxyStructuredResultV2> => {
    const identity = await authenticate(store, tokens, event);
    seen.actor = identity.actor;
    const { route, params } = matchRoute(event, own);
    Object.assign(seen, { route, params });
    const caller = authorize(identity, route, params);
    seen.isAuthorized = true;
    const operation = operations[route.operationId];
    if (!operation) throw new Error(`operation ${route.operationId} has no handler`);
    const input = parseRequest(route, params, event);
    if ('errors' in input) {
      const further = input.isPathSound ? await inspections[route.operationId]?.(params, input.body) : [];
      throw invalidRequest([...input.errors, ...(further ?? [])]);
    }
    const mark = markOfList(route, input);
    const query = withoutMark(input.query, mark);
    // The compiler cannot check the type of the input here. The type is right, because the operation and the
    // schemas that parsed the input belong to the same route.
    const perform = () => operation({ ...input, query, caller } as never);
    const answered = await performAudited({ store, log: logger, origin: originOf(event) }, seen, {
      caller,
      input,
      perform,
    });
    const { headers } = answered;
    // The ids of images are part of the catalogue, which everyone may read.
    const isForViewer = caller.role === 'viewer' && route.handler !== 'catalogue';
    const whole = withMark(answered.body, mark);
    const body = isForViewer ? withoutBackendIds(whole) : whole;
    return {
      statusCode: route.status,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    };
  };
  return middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
    .use(measured(`api-${handler}`))
    .handler(async (event) => {
      const { requestId } = event.requestContext;
      const seen: Seen = {};
      const result = await answer(event, seen).catch(async (error: unknown) => {
        const problem = asProblem(error, requestId);
        await noteRefusal(store, event, seen, problem);
        return answerProblem(problem, requestId);
      });
      const { actor, route } = seen;
      logger.info('request', {
        requestId,
        actor,
        operationId: route?.operationId,
        status: result.statusCode,
      });
      return withHeaders(result, event.requestContext.http.method);
    });
}

/** Adds the headers of every answer. The answer to a HEAD request has no body (RFC 9110, section 9.3.2). */
function withHeaders(
  { body, ...result }: APIGatewayProxyStructuredResultV2,
  method: string,
): APIGatewayProxyStructuredResultV2 {
  const hasBody = body !== undefined && method !== 'HEAD';
  return {
    ...result,
    headers: { ...ANSWER_HEADERS, ...result.headers },
    ...(hasBody ? { body } : {}),
  };
}

function asProblem(error: unknown, requestId: string): Problem {
  if (error instanceof Problem) return error;
  logger.error('request failed', { requestId, error });
  return new Problem(
    'internal-error',
    'the request failed with an internal error: send it again; if it fails again, report the request id',
  );
}

function answerProblem(problem: Problem, requestId: string): APIGatewayProxyStructuredResultV2 {
  const body = problemBody(problem, requestId);
  return {
    statusCode: body.status,
    headers: { 'content-type': 'application/problem+json', ...problem.headers },
    body: JSON.stringify(body),
  };
}
