import { SSMClient } from '@aws-sdk/client-ssm';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import type { Tokens } from '../../../../../functions/entrypoints/api/authenticate.ts';
import { handle } from '../../../../../functions/entrypoints/api/handle.ts';
import { accessOperations } from '../../../../../functions/entrypoints/api/operations/access.ts';
import { catalogueOperations } from '../../../../../functions/entrypoints/api/operations/catalogue.ts';
import { connectionOperations } from '../../../../../functions/entrypoints/api/operations/connections.ts';
import {
  fleetInspections,
  fleetOperations,
} from '../../../../../functions/entrypoints/api/operations/fleets.ts';
import { resourceOperations } from '../../../../../functions/entrypoints/api/operations/resources.ts';
import type { Route } from '../../../../../functions/entrypoints/api/routes/route.ts';
import { inspectRefusedConnection } from '../../../../../functions/features/connections/check-request.ts';
import { DRIVER_NAMES } from '../../../../../functions/model/connection.ts';
import { issueRootKey } from '../../../../../functions/platform/store/api-keys.ts';
import { volumeKey } from '../../../../../functions/platform/store/keys.ts';
import type { Store } from '../../../../../functions/platform/store/store.ts';
import type { VolumeItem } from '../../../../../functions/platform/store/volumes.ts';
import { ClientLoans } from '../../../../chaos/models/dynamo/client.ts';
import { Dynamo } from '../../../../chaos/models/dynamo/dynamo.ts';
import { FLEETS_INDEXES, Table } from '../../../../chaos/models/dynamo/table.ts';
import { TABLES } from '../../../../chaos/world/tables.ts';
import { LOCAL_ADDRESSES } from '../../../../samples/drivers.ts';
import { eventOf, type Request } from '../event.ts';
import { assertStorable } from './storable.ts';

/** A kept disk that requests may remove. */
export const KEPT_VOLUME: VolumeItem = {
  connectionKey: 'sim/default/sim-aws',
  namespace: 'default',
  connection: 'sim-aws',
  cloud: 'aws',
  location: 'us-east-1',
  backendId: 'vol-0123456789abcdef0',
  fleetId: 'f1kdvdsg466w7wczm',
  fleetName: 'web-global',
  instanceId: 'f1kdvdsg466w7wczm-00001',
  launchToken: 'f1kdvdsg466w7wczm-00001.1',
  nodeGroup: 'machines',
  state: 'Kept',
  sizeGb: 50,
};

const MAX_PARAMETER_BYTES = 4_096;

export interface Answered {
  status: number;
  headers: Record<string, unknown>;
  body: unknown;
}

/** Runs the API's real handlers in this process, over tables in memory. Does not run workers or workflows. */
export class InProcessApi {
  readonly store: Store;
  /** Called before each DynamoDB command. The command fails with what this function throws. */
  meet: (command: string, input: unknown) => void | Promise<void> = () => {};
  readonly #loans = new ClientLoans();
  readonly #handlers: Readonly<Record<Route['handler'], ReturnType<typeof handle>>>;
  #key = '';

  /** @param tokens the issuer whose tokens the API accepts; absent: API keys only */
  constructor(tokens?: Tokens) {
    const tables = [
      new Table(TABLES.fleets, FLEETS_INDEXES),
      ...[TABLES.governor, TABLES.catalogue, TABLES.access, TABLES.history, TABLES.audit].map(
        (name) => new Table(name),
      ),
    ];
    const dynamo = new Dynamo(tables, {
      now: () => Date.now(),
      baseLagMs: () => 0,
      indexLagMs: () => 0,
      pageSize: () => 1_000,
      unprocessed: () => 0,
    });
    const document = this.#loans.lend(async (command, input) => {
      assertStorable(input);
      await this.meet(command, input);
      return dynamo.perform(command, input);
    });
    const clock = { now: () => Date.now(), sleep: () => Promise.resolve() };
    this.store = { document, tables: TABLES, clock, random: Math.random };
    this.#handlers = handlersOver(this.store, tokens);
  }

  /** Creates the API key that `ask` sends with each request. */
  async open(): Promise<void> {
    this.#key = (await issueRootKey(this.store, { name: 'tests' })).key;
    const Item = { ...volumeKey(KEPT_VOLUME), ...KEPT_VOLUME };
    await this.store.document.send(new PutCommand({ TableName: TABLES.fleets, Item }));
  }

  close(): void {
    this.#loans.takeBack();
  }

  async ask(handler: Route['handler'], { headers, ...request }: Request): Promise<Answered> {
    const event: APIGatewayProxyEventV2 = eventOf({
      ...request,
      headers: { authorization: `Bearer ${this.#key}`, ...headers },
    });
    const result = await this.#handlers[handler](event, context);
    return {
      status: result.statusCode ?? 0,
      headers: result.headers ?? {},
      body: result.body === undefined ? undefined : JSON.parse(result.body),
    };
  }
}

function handlersOver(store: Store, tokens: Tokens | undefined) {
  const rules = { drivers: DRIVER_NAMES, allowEndpointOverride: true, allowedAddresses: LOCAL_ADDRESSES };
  const send = () => Promise.resolve();
  return {
    access: handle({ handler: 'access', store, tokens, operations: accessOperations(store, tokens?.issuer) }),
    catalogue: handle({ handler: 'catalogue', store, tokens, operations: catalogueOperations(store) }),
    connections: handle({
      handler: 'connections',
      store,
      tokens,
      operations: connectionOperations({
        store,
        ssm: parameterStore(),
        secretsPrefix: '/tests',
        ...rules,
        send,
      }),
      inspections: {
        createConnection: (_params, body) => Promise.resolve(inspectRefusedConnection(body, rules)),
      },
    }),
    resources: handle({
      handler: 'resources',
      store,
      tokens,
      operations: resourceOperations({ store, send }),
    }),
    fleets: handle({
      handler: 'fleets',
      store,
      tokens,
      operations: fleetOperations({
        store,
        workflows: { start: () => Promise.resolve(), state: () => Promise.resolve('running') },
        waitingRequests: 0,
      }),
      inspections: fleetInspections(store),
    }),
  };
}

/** Returns an SSM client that stores nothing, and refuses values above the size limit of a standard parameter. */
export function parameterStore(): SSMClient {
  let version = 0;
  return new SSMClient({
    region: 'local',
    credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
    maxAttempts: 1,
    requestHandler: {
      handle: async ({ body }: { body?: unknown }) => {
        const asked: { Value?: string } = JSON.parse(String(body));
        version += 1;
        const isTooLong = Buffer.byteLength(asked.Value ?? '') > MAX_PARAMETER_BYTES;
        const answer = isTooLong
          ? { __type: 'ValidationException', message: 'Standard tier parameters support 4096 characters.' }
          : { Version: version };
        return {
          response: {
            statusCode: isTooLong ? 400 : 200,
            headers: { 'content-type': 'application/x-amz-json-1.1' },
            body: new TextEncoder().encode(JSON.stringify(answer)),
          },
        };
      },
    },
  });
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
