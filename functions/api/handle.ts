import middy from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { logger } from '../runtime/logger.ts';
import { measured } from '../runtime/measured.ts';
import type { Store } from '../store/client.ts';
import { authenticate } from './authenticate.ts';
import type { OperationId, OperationInput, OperationOutput } from './contract.ts';
import { routes } from './contract.ts';
import { matchRoute } from './match.ts';
import { parseRequest } from './parse.ts';
import { Problem, problemBody } from './problem.ts';

/** An operation's answer, where it needs headers. */
export interface Answer<Body> {
  body: Body;
  headers?: Record<string, string>;
}

export type Operation<Id extends OperationId> = (
  input: OperationInput<Id>,
) => Promise<Answer<OperationOutput<Id>>>;

type HandlerName = (typeof routes)[number]['handler'];
/** The operations that one function answers: all of the contract that name it. */
export type OperationsOf<Handler extends HandlerName> = {
  [Id in Extract<(typeof routes)[number], { handler: Handler }>['operationId']]: Operation<Id>;
};

type AnyOperation = (input: never) => Promise<Answer<unknown>>;

/**
 * The Lambda handler of one of the API's functions: authenticates, finds the operation, parses all of the request,
 * calls one function, encodes. Whatever goes wrong is answered as problem JSON.
 */
export function handle(
  handler: HandlerName,
  store: Store<'access'>,
  operations: Readonly<Record<string, AnyOperation>>,
) {
  const own = routes.filter((route) => route.handler === handler);
  return middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
    .use(measured(`api-${handler}`))
    .handler(async (event) => {
      const { requestId } = event.requestContext;
      try {
        await authenticate(store, event);
        const { route, params } = matchRoute(event, own);
        const operation = operations[route.operationId];
        if (!operation) throw new Error(`no operation ${route.operationId}`);
        const input = parseRequest(route, params, event);
        const answer = await operation(input as never);
        return {
          statusCode: route.status,
          headers: { 'content-type': 'application/json', ...answer.headers },
          ...(answer.body === undefined ? {} : { body: JSON.stringify(answer.body) }),
        };
      } catch (error) {
        return answerProblem(asProblem(error, requestId), requestId);
      }
    });
}

function asProblem(error: unknown, requestId: string): Problem {
  if (error instanceof Problem) return error;
  logger.error('request failed', { requestId, error });
  return new Problem(500, 'internal-error', 'this is our fault; the request id tells us more');
}

function answerProblem(problem: Problem, requestId: string): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode: problem.status,
    headers: { 'content-type': 'application/problem+json', ...problem.headers },
    body: JSON.stringify(problemBody(problem, requestId)),
  };
}
