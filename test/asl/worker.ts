import { setTimeout as sleep } from 'node:timers/promises';
import {
  InvalidToken,
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
  type SFNClient,
  TaskDoesNotExist,
  TaskTimedOut,
} from '@aws-sdk/client-sfn';
import { DeleteMessageCommand, ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { driverMessageSchema } from '../../functions/platform/workflow/messages.ts';
import type { Answer } from '../state-machines/world.ts';
import type { Play } from './play.ts';

export interface WorkerOptions {
  sqs: SQSClient;
  sfn: SFNClient;
  queueUrl: string;
  /** How much faster than on AWS time passes. */
  speed: number;
  /** Returns the run that a message belongs to. */
  playOf(body: string): Play;
}

export interface Worker {
  /** Rejects when the queue cannot be read. */
  failed: Promise<never>;
  stop(): Promise<void>;
}

/** Receives the messages of the queue, and completes their tasks as the paths say. */
export function startWorker({ sqs, sfn, queueUrl, speed, playOf }: WorkerOptions): Worker {
  const stopped = new AbortController();
  const receive = async (): Promise<void> => {
    const asked = { QueueUrl: queueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 };
    while (!stopped.signal.aborted) {
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand(asked));
      await Promise.all(
        Messages.map(async ({ Body = '', ReceiptHandle = '' }) => {
          await sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
          const play = playOf(Body);
          const message = driverMessageSchema.parse(JSON.parse(Body));
          const answer = play.take(message);
          if ('taskToken' in message && message.taskToken !== undefined)
            complete(sfn, message.taskToken, answer, speed).catch(play.fail);
        }),
      );
    }
  };
  const { promise: failed, reject } = Promise.withResolvers<never>();
  failed.catch(() => {});
  const receiving = receive().catch(reject);
  return {
    failed,
    stop: async () => {
      stopped.abort();
      await receiving;
    },
  };
}

/** Answers a task. A task that waits no more is no error, as it is none for the workers of the product. */
async function complete(sfn: SFNClient, taskToken: string, answer: Answer, speed: number): Promise<void> {
  try {
    await answerTask(sfn, taskToken, answer, speed);
  } catch (error) {
    const waitsNoMore =
      error instanceof InvalidToken || error instanceof TaskDoesNotExist || error instanceof TaskTimedOut;
    if (!waitsNoMore) throw error;
  }
}

async function answerTask(sfn: SFNClient, taskToken: string, answer: Answer, speed: number): Promise<void> {
  if (!answer) return;
  const { afterMs, success, failure, beatEveryMs = afterMs } = answer;
  let leftMs = afterMs;
  for (; leftMs > beatEveryMs; leftMs -= beatEveryMs) {
    await sleep(beatEveryMs / speed);
    await sfn.send(new SendTaskHeartbeatCommand({ taskToken }));
  }
  await sleep(leftMs / speed);
  if (failure === undefined) {
    await sfn.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(success ?? {}) }));
  } else {
    const cause = 'sent by the test';
    await sfn.send(new SendTaskFailureCommand({ taskToken, error: failure, cause }));
  }
}
