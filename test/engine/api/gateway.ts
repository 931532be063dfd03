import { isDeepStrictEqual } from 'node:util';
import { SSMClient } from '@aws-sdk/client-ssm';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { beforeAll, vi } from 'vitest';
import * as z from 'zod';
import { routes } from '../../../functions/entrypoints/api/contract.ts';
import { handle } from '../../../functions/entrypoints/api/handle.ts';
import { accessOperations } from '../../../functions/entrypoints/api/operations/access.ts';
import { catalogueOperations } from '../../../functions/entrypoints/api/operations/catalogue.ts';
import { connectionOperations } from '../../../functions/entrypoints/api/operations/connections.ts';
import { fleetInspections, fleetOperations } from '../../../functions/entrypoints/api/operations/fleets.ts';
import { resourceOperations } from '../../../functions/entrypoints/api/operations/resources.ts';
import { problemsOf } from '../../../functions/entrypoints/api/routes/route.ts';
import { inspectRefusedConnection } from '../../../functions/features/connections/check-request.ts';
import type { ExecutionRef } from '../../../functions/features/fleets/workflows.ts';
import type { DriverName } from '../../../functions/model/connection.ts';
import { fleetActionSchema } from '../../../functions/model/fleet-action.ts';
import { fleetStatusSchema } from '../../../functions/model/status.ts';
import { logger } from '../../../functions/platform/runtime/logger.ts';
import { issueRootKey } from '../../../functions/platform/store/api-keys.ts';
import type { Store } from '../../../functions/platform/store/store.ts';
import type { DriverMessage } from '../../../functions/platform/workflow/messages.ts';
import { LOCAL_ADDRESSES } from '../../samples/drivers.ts';

const problemSchema = z.strictObject({
  type: z.string(),
  title: z.string().min(1),
  status: z.int(),
  code: z.string().regex(/^[a-z-]+$/),
  detail: z.string().min(1),
  requestId: z.literal('request-1'),
  errors: z.array(
    z.strictObject({ pointer: z.string(), code: z.string().regex(/^[a-z-]+$/), message: z.string().min(1) }),
  ),
  fleetStatus: fleetStatusSchema.exactOptional(),
  allowed: z.array(fleetActionSchema).exactOptional(),
});

const pageSchema = z.object({
  items: z.array(z.looseObject({ id: z.string().default(''), name: z.string().default('') })),
  cursor: z.string().nullable(),
});

export interface Answered {
  status: number;
  headers: Record<string, string>;
  /**
   * The body of the answer, checked by the route's response schema or, for a refusal, by the schema of
   * problems.
   */
  body: unknown;
}

export interface Ask {
  method: 'GET' | 'POST' | 'DELETE' | 'PUT';
  path: string;
  query?: Record<string, string>;
  json?: unknown;
  text?: string;
  headers?: Record<string, string | undefined>;
}

/** Routes requests to the API's functions as API Gateway does. The tables are on the local engine. */
export class Gateway {
  readonly started: ExecutionRef[] = [];
  readonly sent: DriverMessage[] = [];
  readonly logged: unknown[] = [];
  readonly ssm = new SSMClient({});
  readonly secretsPrefix = `/test/${crypto.randomUUID()}`;
  readonly #store: Store;
  readonly #drivers: readonly DriverName[];
  #key = '';

  /** @param drivers the deployed drivers */
  constructor(store: Store, drivers: readonly DriverName[] = ['sim']) {
    this.#store = store;
    this.#drivers = drivers;
    beforeAll(async () => {
      for (const level of ['info', 'warn', 'error'] as const) {
        vi.spyOn(logger, level).mockImplementation((...entry) => void this.logged.push(entry));
      }
      this.#key = (await issueRootKey(store, { name: 'tests' })).key;
    });
  }

  get key(): string {
    return this.#key;
  }

  async ask(
    { method, path, query, json, text, headers = {} }: Ask,
    allowEndpoints = true,
  ): Promise<Answered> {
    const body = text ?? (json === undefined ? undefined : JSON.stringify(json));
    const all = {
      authorization: `Bearer ${this.#key}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    };
    const event: APIGatewayProxyEventV2 = {
      version: '2.0',
      routeKey: `${method} ${path}`,
      rawPath: path,
      rawQueryString: new URLSearchParams(query).toString(),
      headers: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)),
      ...(query ? { queryStringParameters: query } : {}),
      requestContext: {
        accountId: '0',
        apiId: 'api',
        domainName: 'api',
        domainPrefix: 'api',
        http: { method, path, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'test' },
        requestId: 'request-1',
        routeKey: '$default',
        stage: '$default',
        time: '',
        timeEpoch: 0,
      },
      ...(body === undefined ? {} : { body }),
      isBase64Encoded: false,
    };
    const route = routes.find(
      (one) =>
        one.method === method &&
        new RegExp(`^${one.path.replaceAll(/\{\w+\}/g, '[^/]+').replaceAll('.', '\\.')}$`).test(path),
    );
    const handler = this.#handlers(allowEndpoints)[route?.handler ?? 'access'];
    const result = await handler(event, context);
    const answered = result.body === undefined ? undefined : JSON.parse(result.body);
    const status = result.statusCode ?? 0;
    const isSuccess = status < 400;
    // The route must declare each problem code that it answers.
    const problems: readonly string[] = route
      ? problemsOf(route)
      : ['unauthorized', 'not-found', 'method-not-allowed'];
    const { code } = z.object({ code: z.string().optional() }).parse(isSuccess ? {} : answered);
    if (code !== undefined && !problems.includes(code)) throw new Error(`${method} ${path} answered ${code}`);
    const response = route && 'response' in route ? route.response : z.undefined();
    return {
      status,
      headers: z.record(z.string(), z.string()).parse(result.headers),
      // The schemas allow additional fields, but an answer must not have any.
      body: isSuccess ? strictly(response, answered) : problemSchema.parse(answered),
    };
  }

  /** Returns pointer and code of each error of a refusal, in order. */
  static errorsOf({ body }: Answered): string[] {
    return problemSchema.parse(body).errors.map(({ pointer, code }) => `${pointer} ${code}`);
  }

  /** Returns status, code, fleet status and allowed actions of a refused action. */
  static refusalOf({ status, body }: Answered) {
    const { code, fleetStatus, allowed } = problemSchema.parse(body);
    return { status, code, fleetStatus, allowed };
  }

  static codeOf({ body }: Answered): string {
    return problemSchema.parse(body).code;
  }

  /** Parses one page of a list. */
  static pageOf({ body }: Answered) {
    return pageSchema.parse(body);
  }

  #handlers(allowEndpoints: boolean) {
    const store = this.#store;
    const rules = {
      drivers: this.#drivers,
      allowEndpointOverride: allowEndpoints,
      allowedAddresses: LOCAL_ADDRESSES,
    };
    return {
      access: handle({ handler: 'access', store, operations: accessOperations(store) }),
      catalogue: handle({ handler: 'catalogue', store, operations: catalogueOperations(store) }),
      connections: handle({
        handler: 'connections',
        store,
        operations: connectionOperations({
          store,
          ssm: this.ssm,
          secretsPrefix: this.secretsPrefix,
          ...rules,
          send: async (_driver, message) => void this.sent.push(message),
        }),
        inspections: {
          createConnection: async (_params, body) => inspectRefusedConnection(body, rules),
        },
      }),
      resources: handle({
        handler: 'resources',
        store,
        operations: resourceOperations({
          store,
          send: async (_driver, message) => void this.sent.push(message),
        }),
      }),
      fleets: handle({
        handler: 'fleets',
        store,
        operations: fleetOperations({
          store,
          workflows: {
            start: async (execution) => void this.started.push(execution),
            state: async () => 'running',
          },
          waitingRequests: 2,
        }),
        inspections: fleetInspections(store),
      }),
    };
  }
}

function strictly(schema: z.ZodType, answered: unknown): unknown {
  const parsed = schema.parse(answered);
  if (!isDeepStrictEqual(parsed, answered)) {
    throw new Error(`the answer has fields that the contract does not have: ${JSON.stringify(answered)}`);
  }
  return parsed;
}

const context: Context = {
  callbackWaitsForEmptyEventLoop: false,
  functionName: 'api',
  functionVersion: '1',
  invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:api',
  memoryLimitInMB: '512',
  awsRequestId: 'request-1',
  logGroupName: '',
  logStreamName: '',
  getRemainingTimeInMillis: () => 20_000,
  done: () => undefined,
  fail: () => undefined,
  succeed: () => undefined,
};
