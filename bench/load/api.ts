import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import * as z from 'zod';
import type { routes } from '../../functions/entrypoints/api/contract.ts';
import { handle } from '../../functions/entrypoints/api/handle.ts';
import { accessOperations } from '../../functions/entrypoints/api/operations/access.ts';
import { catalogueOperations } from '../../functions/entrypoints/api/operations/catalogue.ts';
import { connectionOperations } from '../../functions/entrypoints/api/operations/connections.ts';
import { fleetInspections, fleetOperations } from '../../functions/entrypoints/api/operations/fleets.ts';
import { resourceOperations } from '../../functions/entrypoints/api/operations/resources.ts';
import { issueRootKey } from '../../functions/platform/store/api-keys.ts';
import type { Store } from '../../functions/platform/store/store.ts';
import { Process } from '../../test/chaos/ground/process.ts';
import { openTableClient } from '../../test/chaos/models/dynamo/sdk-client.ts';
import { type Lab, SECRETS_PREFIX } from '../../test/chaos/world/lab.ts';
import { TABLES } from '../../test/chaos/world/tables.ts';
import { LOCAL_ADDRESSES } from '../../test/samples/drivers.ts';

type HandlerName = (typeof routes)[number]['handler'];

/** A request of the load. `path` has no placeholders. */
export interface ApiRequest {
  method: string;
  path: string;
  query?: Record<string, string>;
  body?: unknown;
}

export interface ApiAnswer {
  status: number;
  body: string;
}

const answerSchema = z.object({ statusCode: z.number(), body: z.string().default('') });

/** The API's functions in this process, over the tables of a lab. They answer without any network. */
export interface Api {
  ask(handler: HandlerName, request: ApiRequest): Promise<ApiAnswer>;
  /** Number of requests to tables so far, and the time in ms that the model of the tables took for them. */
  readonly tables: { requests: number; modelMs: number };
}

/** Opens the API's functions with an API key that may do everything. */
export async function openApi(lab: Lab): Promise<Api> {
  const used = { requests: 0, modelMs: 0 };
  const { ground, tables } = lab;
  const store: Store = {
    document: openTableClient(
      (command, input) => tables.performAtOnce(command, input),
      (modelMs) => {
        used.requests += 1;
        used.modelMs += modelMs;
      },
    ),
    tables: TABLES,
    clock: { now: () => ground.now(), sleep: (ms) => ground.sleep(ms) },
    random: () => ground.random.next(),
  };
  const { key } = await issueRootKey(store, { name: 'load' });
  const handlers = handlersOf(lab, store);
  return {
    async ask(handler, request) {
      const answer = await handlers[handler](eventOf(request, key), CONTEXT);
      const { statusCode, body } = answerSchema.parse(answer);
      return { status: statusCode, body };
    },
    tables: used,
  };
}

/** The functions read nothing of it. */
const CONTEXT: Context = {
  awsRequestId: 'load',
  callbackWaitsForEmptyEventLoop: true,
  functionName: 'load',
  functionVersion: '$LATEST',
  invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:load',
  logGroupName: 'load',
  logStreamName: 'load',
  memoryLimitInMB: '512',
  getRemainingTimeInMillis: () => 29_000,
  done() {},
  fail() {},
  succeed() {},
};

type Handler = ReturnType<typeof handle>;

function handlersOf(lab: Lab, store: Store): Readonly<Record<HandlerName, Handler>> {
  const process = new Process('load', lab.ground, 0);
  const refuse = () => Promise.reject(new Error('the load sends no message'));
  return {
    fleets: handle({
      handler: 'fleets',
      store,
      operations: fleetOperations({
        store,
        workflows: lab.workflow.executionsOf(process),
        waitingRequests: 0,
      }),
      inspections: fleetInspections(store),
    }),
    resources: handle({
      handler: 'resources',
      store,
      operations: resourceOperations({ store, send: refuse }),
    }),
    connections: handle({
      handler: 'connections',
      store,
      operations: connectionOperations({
        store,
        ssm: lab.parameters.clientOf(process),
        secretsPrefix: SECRETS_PREFIX,
        drivers: ['sim'],
        allowEndpointOverride: true,
        allowedAddresses: LOCAL_ADDRESSES,
        send: refuse,
      }),
    }),
    catalogue: handle({ handler: 'catalogue', store, operations: catalogueOperations(store) }),
    access: handle({ handler: 'access', store, operations: accessOperations(store) }),
  };
}

function eventOf({ method, path, query, body }: ApiRequest, key: string): APIGatewayProxyEventV2 {
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: new URLSearchParams(query).toString(),
    headers: {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(query === undefined ? {} : { queryStringParameters: query }),
    requestContext: {
      accountId: '000000000000',
      apiId: 'load',
      domainName: 'load.invalid',
      domainPrefix: 'load',
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'load' },
      requestId: 'load',
      routeKey: '$default',
      stage: '$default',
      time: '01/Jan/2026:00:00:00 +0000',
      timeEpoch: 0,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    isBase64Encoded: false,
  };
}
