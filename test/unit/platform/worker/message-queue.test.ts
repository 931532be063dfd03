import {
  type ChangeMessageVisibilityBatchCommand,
  type SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { beforeEach, expect, it } from 'vitest';
import { openQueue } from '../../../../functions/platform/worker/message-queue.ts';

const sqs = new SQSClient({ region: 'local' });
const QUEUE = 'https://sqs.invalid/queue';
let asked: (SendMessageCommand | ChangeMessageVisibilityBatchCommand)[];
let refuses: boolean;
Object.defineProperty(sqs, 'send', {
  value: (command: SendMessageCommand | ChangeMessageVisibilityBatchCommand) => {
    asked.push(command);
    const Failed = [{ Id: '0', Code: 'ReceiptHandleIsInvalid', SenderFault: true }];
    return Promise.resolve(refuses ? { Failed } : {});
  },
});
const queue = openQueue(sqs, QUEUE);

beforeEach(() => {
  asked = [];
  refuses = false;
});

it('a delay is sent in whole seconds, rounded up, and is at most 15 minutes', async () => {
  const message = { kind: 'verify', connectionKey: 'sim/default/sim-aws' } as const;
  for (const delayMs of [-5, 1, 1_000, 3_600_000]) await queue.send(message, delayMs);
  expect(asked.map(({ input }) => ('DelaySeconds' in input ? input.DelaySeconds : undefined))).toEqual([
    0, 1, 1, 900,
  ]);
});

it('one SQS request hides up to ten messages, each for its own time', async () => {
  await queue.hide(
    Array.from({ length: 11 }, (_, at) => ({ receiptHandle: `r${at}`, delayMs: at * 1_000 + 1 })),
  );
  expect(asked.map(({ input }) => ('Entries' in input ? input.Entries?.length : 0))).toEqual([10, 1]);
  expect(asked[1]?.input).toEqual({
    QueueUrl: QUEUE,
    Entries: [{ Id: '0', ReceiptHandle: 'r10', VisibilityTimeout: 11 }],
  });
});

it('`hide` throws when SQS does not hide a message', async () => {
  refuses = true;
  await expect(queue.hide([{ receiptHandle: 'old', delayMs: 1_000 }])).rejects.toThrow(
    'ReceiptHandleIsInvalid',
  );
});
