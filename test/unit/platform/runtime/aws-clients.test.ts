import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { ListStateMachinesCommand } from '@aws-sdk/client-sfn';
import { ListQueuesCommand } from '@aws-sdk/client-sqs';
import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import * as z from 'zod';
import {
  CALL_LIMITS,
  type CallLimits,
  clientSettings,
  openEventBridgeClient,
  openS3Client,
  openSfnClient,
  openSqsClient,
  openSsmClient,
} from '../../../../functions/platform/runtime/aws-clients.ts';
import { isTransient } from '../../../../functions/platform/runtime/transient.ts';
import { openDocumentClient } from '../../../../functions/platform/store/store.ts';

const SHORT: CallLimits = { connectionTimeoutMs: 1_000, requestTimeoutMs: 100, maxAttempts: 3 };

/** Functions that open a client, by service. `call` makes one request with the client. */
const CLIENTS = {
  sqs(limits) {
    const client = openSqsClient(limits);
    return { client, call: () => client.send(new ListQueuesCommand({})) };
  },
  'step-functions'(limits) {
    const client = openSfnClient(limits);
    return { client, call: () => client.send(new ListStateMachinesCommand({})) };
  },
  ssm(limits) {
    const client = openSsmClient(limits);
    return { client, call: () => client.send(new GetParameterCommand({ Name: 'a' })) };
  },
  eventbridge(limits) {
    const client = openEventBridgeClient(limits);
    const Entries = [{ Source: 'a', DetailType: 'a', Detail: '{}' }];
    return { client, call: () => client.send(new PutEventsCommand({ Entries })) };
  },
  s3(limits) {
    const client = openS3Client(limits);
    return {
      client,
      call: () => client.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'k', Body: 'b' })),
    };
  },
  dynamodb(limits) {
    const client = openDocumentClient(limits && clientSettings(limits));
    return { client, call: () => client.send(new GetCommand({ TableName: 't', Key: { pk: 'a' } })) };
  },
} satisfies Record<keyof typeof CALL_LIMITS, (limits?: CallLimits) => Opened>;

interface Opened {
  client: {
    config: { maxAttempts: () => Promise<number>; requestHandler: unknown };
    middlewareStack: { identify(): string[] };
  };
  call: () => Promise<unknown>;
}

const clients = Object.entries<(limits?: CallLimits) => Opened>(CLIENTS);

const handlerSchema = z.custom<{ httpHandlerConfigs(): unknown }>(
  (value) => typeof value === 'object' && value !== null && 'httpHandlerConfigs' in value,
);

/** Starts a server on loopback and points the SDK to it. @returns the server's counts of requests and connections */
async function startService(answer: (response: ServerResponse, request: number) => void) {
  const counted = { requests: 0, connections: 0 };
  const server = createServer((_request, response) => {
    counted.requests += 1;
    answer(response, counted.requests);
  });
  server.on('connection', () => {
    counted.connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${port}`);
  // The engine's tests set the URL of one service, which would count more than the URL of all services.
  vi.stubEnv('AWS_ENDPOINT_URL_S3', undefined);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'none');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'none');
  onTestFinished(() => {
    vi.unstubAllEnvs();
    server.closeAllConnections();
    server.close();
  });
  return counted;
}

const neverAnswer = () => {};
const failureOf = (call: Promise<unknown>): Promise<unknown> => call.then(() => undefined).catch((e) => e);

describe('an AWS client of the control plane', () => {
  it.each(clients)(
    'the %s client gives up after three attempts when the service never answers',
    async (_service, open) => {
      const counted = await startService(neverAnswer);
      const began = performance.now();
      const failure = await failureOf(open(SHORT).call());
      expect(failure).toMatchObject({ name: 'TimeoutError', $metadata: { attempts: 3 } });
      expect(isTransient(failure)).toBe(true);
      expect(counted.requests).toBe(3);
      expect(performance.now() - began).toBeLessThan(3_000);
    },
  );

  it.each(clients)(
    'the %s client gives up after three attempts when each answer stops before its end',
    async (_service, open) => {
      const counted = await startService((response) => {
        response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0', 'content-length': 1_000 });
        response.write('{"a');
      });
      const failure = await failureOf(open(SHORT).call());
      expect(isTransient(failure)).toBe(true);
      expect(counted.requests).toBe(3);
    },
  );

  it.each(clients)(
    'the %s client sends a request again when the first request gets no answer',
    async (_service, open) => {
      const counted = await startService((response, request) => {
        if (request > 1) response.end('{}');
      });
      // Long enough that the answer to the second request comes in time on a machine that is busy.
      await open({ ...SHORT, requestTimeoutMs: 1_500 }).call();
      expect(counted.requests).toBe(2);
    },
  );

  it.each(clients)('the %s client copies no request for a log of calls', (_service, open) => {
    vi.stubEnv('AWS_REGION', 'us-east-1');
    onTestFinished(() => void vi.unstubAllEnvs());
    const steps = open().client.middlewareStack.identify();
    expect(steps.some((step) => step.startsWith('retryMiddleware'))).toBe(true);
    expect(steps.filter((step) => step.startsWith('loggerMiddleware'))).toEqual([]);
  });

  it.each(clients)('the %s client uses one connection for two calls', async (_service, open) => {
    const counted = await startService((response) => void response.end('{}'));
    const { call } = open(SHORT);
    await call();
    await call();
    expect(counted).toEqual({ requests: 2, connections: 1 });
  });

  it.each(clients)(
    'the %s client that is opened without limits has the default limits of its service',
    async (service, open) => {
      await startService((response) => void response.end('{}'));
      const { client, call } = open();
      // The handler reads its settings at the first call.
      await call();
      const limits = new Map<string, CallLimits>(Object.entries(CALL_LIMITS)).get(service);
      expect(await client.config.maxAttempts()).toBe(limits?.maxAttempts);
      expect(handlerSchema.parse(client.config.requestHandler).httpHandlerConfigs()).toMatchObject({
        connectionTimeout: limits?.connectionTimeoutMs,
        requestTimeout: limits?.requestTimeoutMs,
        socketTimeout: limits?.requestTimeoutMs,
        throwOnRequestTimeout: true,
      });
    },
  );
});
