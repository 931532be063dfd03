import { InternalServerError, ProvisionedThroughputExceededException } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { type Delivery, handleBatch } from '../../../../functions/entrypoints/dispatch/handle-batch.ts';
import type { WorkerContext } from '../../../../functions/platform/worker/context.ts';
import { makeContext } from '../../../../functions/platform/worker/make-context.ts';
import type { Held } from '../../../../functions/platform/worker/message-queue.ts';
import type { DriverMessage } from '../../../../functions/platform/workflow/messages.ts';
import { ClientLoans } from '../../../chaos/models/dynamo/client.ts';
import { simDriver } from '../../../samples/drivers.ts';

const META = { message: 'told by a test', $metadata: {} };
const FLEET = 'f0123456789abcdef';
const site = { connectionKey: 'sim/default/sim-aws', location: 'us-east-1' };
const launch = (index: number): DriverMessage => ({
  kind: 'launch',
  fleetId: FLEET,
  taskToken: `token-${index}`,
  ...site,
  index,
  round: 1,
});
const POLL: DriverMessage = { kind: 'poll', ...site, generation: 3 };
const loans = new ClientLoans();
afterAll(() => loans.takeBack());

let answer: () => Promise<never>;
let sent: { message: DriverMessage; delayMs: number }[];
let hidden: Held[];
let sending: (message: DriverMessage) => Promise<void>;
let hiding: () => Promise<void>;
let calls: string[];
let context: WorkerContext;
let warned: string[];

beforeEach(() => {
  sent = [];
  hidden = [];
  calls = [];
  warned = [];
  sending = () => Promise.resolve();
  hiding = () => Promise.resolve();
  answer = () => Promise.reject(new ProvisionedThroughputExceededException(META));
  context = makeContext({
    store: {
      document: loans.lend(() => answer()),
      tables: {
        fleets: 'fleets',
        governor: 'governor',
        access: 'access',
        catalogue: 'catalogue',
        audit: 'audit',
      },
      clock: { now: () => 0, sleep: () => Promise.resolve() },
      random: () => 0.5,
    },
    driver: {
      ...simDriver,
      connect: (options) =>
        new Proxy(simDriver.connect(options), {
          get: (_target, name) => () => Promise.reject(calls.push(String(name))),
        }),
    },
    writerId: 'test-writer',
    outside: { read: () => Promise.resolve(undefined) },
    readDeploymentId: () => Promise.resolve('test'),
    timeLimitMs: 20_000,
    sharedNetworks: { graceMs: 0, pool: '10.0.0.0/8' },
    readCredential: () => Promise.resolve({ account: 'sim-aws' }),
    send: async (message, delayMs) => {
      await sending(message);
      sent.push({ message, delayMs });
    },
    hide: async (messages) => {
      await hiding();
      hidden.push(...messages);
    },
    tasks: { succeed: async () => {}, fail: async () => {}, heartbeat: async () => true },
    publish: () => Promise.resolve(),
    log: { info: () => {}, warn: (message) => void warned.push(message), error: () => {} },
  });
});

function deliveries(...messages: (DriverMessage | string)[]): Delivery[] {
  return messages.map((message, at) => ({
    messageId: `m${at}`,
    body: typeof message === 'string' ? message : JSON.stringify(message),
    receiptHandle: `r${at}`,
    receives: at + 1,
  }));
}

describe('tables that throttle or are down', () => {
  it.each([
    new ProvisionedThroughputExceededException(META),
    new InternalServerError(META),
    Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
  ])(
    'if DynamoDB fails with $name, each message is sent again with a delay, and no cloud is called',
    async (error) => {
      answer = () => Promise.reject(error);
      expect(await handleBatch(context, deliveries(launch(0), launch(1), POLL))).toEqual([]);
      expect(sent).toHaveLength(3);
      expect(sent).toEqual(
        expect.arrayContaining([launch(0), launch(1), POLL].map((message) => ({ message, delayMs: 2_000 }))),
      );
      expect(hidden).toEqual([]);
      expect(calls).toEqual([]);
    },
  );

  it('equal messages of a batch are sent again as one message', async () => {
    expect(await handleBatch(context, deliveries(POLL, POLL, POLL))).toEqual([]);
    expect(sent).toEqual([{ message: POLL, delayMs: 2_000 }]);
  });

  it('if SQS does not accept one of the messages that are sent again, only this message counts as failed', async () => {
    sending = (message) =>
      message.kind === 'launch' && message.index === 1
        ? Promise.reject(new Error('SQS does not answer'))
        : Promise.resolve();
    expect(await handleBatch(context, deliveries(launch(0), launch(1), launch(2)))).toEqual(['m1']);
    expect(sent).toHaveLength(2);
    expect(hidden).toEqual([{ receiptHandle: 'r1', delayMs: 10_000 }]);
  });
});

describe('a message that fails with an error that is not transient', () => {
  beforeEach(() => {
    answer = () => Promise.reject(new Error('a bug'));
  });

  it('a failed message is hidden in the queue for a time that grows with each receive', async () => {
    expect(await handleBatch(context, deliveries(POLL, 'no message', launch(0)))).toEqual(
      expect.arrayContaining(['m0', 'm1', 'm2']),
    );
    expect(sent).toEqual([]);
    expect(hidden).toHaveLength(3);
    expect(hidden).toEqual(
      expect.arrayContaining([
        { receiptHandle: 'r0', delayMs: 5_000 },
        { receiptHandle: 'r1', delayMs: 10_000 },
        { receiptHandle: 'r2', delayMs: 20_000 },
      ]),
    );
  });

  it('if SQS cannot hide a failed message, the message counts as failed, and a warning is logged', async () => {
    hiding = () => Promise.reject(new Error('SQS does not answer'));
    expect(await handleBatch(context, deliveries(POLL))).toEqual(['m0']);
    expect(warned).toEqual(['failed messages come back after the visibility time-out']);
  });
});
