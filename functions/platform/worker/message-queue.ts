import { ChangeMessageVisibilityBatchCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { usage } from '../runtime/usage.ts';
import type { DriverMessage } from '../workflow/messages.ts';

const MAX_DELAY_SECONDS = 900;
/** SQS takes no more in one request, and Lambda hands us no more in one batch. */
const MESSAGES_PER_REQUEST = 10;

/** A message that somebody has received, and when the queue is to hand it out again. */
export interface Held {
  /** From that receive; of no use after the next. */
  receiptHandle: string;
  delayMs: number;
}

export interface MessageQueue {
  /** Sends to a driver's queue; a wait longer than SQS can keep a message comes back early and waits again. */
  send(message: DriverMessage, delayMs: number): Promise<void>;
  /**
   * Has messages that were received, and are not to be let go, come back then and not by the queue's visibility
   * time-out.
   *
   * @throws Error when SQS did not do so for all of them: those come back by the time-out
   */
  hide(messages: readonly Held[]): Promise<void>;
}

export function openQueue(sqs: SQSClient, queueUrl: string): MessageQueue {
  return {
    send: async (message, delayMs) => {
      usage.sqsRequests += 1;
      await sqs.send(
        new SendMessageCommand({
          QueueUrl: queueUrl,
          MessageBody: JSON.stringify(message),
          DelaySeconds: Math.min(MAX_DELAY_SECONDS, secondsOf(delayMs)),
        }),
      );
    },
    hide: async (messages) => {
      for (let at = 0; at < messages.length; at += MESSAGES_PER_REQUEST) {
        usage.sqsRequests += 1;
        const Entries = messages
          .slice(at, at + MESSAGES_PER_REQUEST)
          .map(({ receiptHandle, delayMs }, id) => ({
            Id: String(id),
            ReceiptHandle: receiptHandle,
            VisibilityTimeout: secondsOf(delayMs),
          }));
        const { Failed = [] } = await sqs.send(
          new ChangeMessageVisibilityBatchCommand({ QueueUrl: queueUrl, Entries }),
        );
        const [refused] = Failed;
        if (refused) throw new Error(`SQS did not hide a message: ${refused.Code}: ${refused.Message ?? ''}`);
      }
    },
  };
}

/** SQS counts in whole seconds: rather late than early. */
function secondsOf(delayMs: number): number {
  return Math.ceil(Math.max(0, delayMs) / 1_000);
}
