import { ChangeMessageVisibilityBatchCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { usage } from '../runtime/usage.ts';
import type { DriverMessage } from '../workflow/messages.ts';

const MAX_DELAY_SECONDS = 900;
/** Maximum number of messages that SQS accepts in one request. Lambda delivers as many in one batch. */
const MESSAGES_PER_REQUEST = 10;

/** A received message whose handling failed, and the delay in ms after which SQS is to deliver it again. */
export interface Held {
  /** Receipt handle of the latest delivery. The next delivery makes it invalid. */
  receiptHandle: string;
  delayMs: number;
}

export interface MessageQueue {
  /**
   * Sends a message to a driver's queue. SQS delays the message by at most 15 minutes. If the work needs a longer
   * delay, the worker that receives the message sends it again.
   */
  send(message: DriverMessage, delayMs: number): Promise<void>;
  /**
   * Sets the delays after which the queue delivers received messages again, in place of its visibility time-out.
   *
   * @throws Error if SQS refused some of the messages. SQS delivers these after the visibility time-out
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
        if (refused)
          throw new Error(
            `SQS did not change the visibility of a message: ${refused.Code}: ${refused.Message ?? ''}`,
          );
      }
    },
  };
}

/** Converts to whole seconds, which SQS requires. Rounds up, because a message must not be delivered too early. */
function secondsOf(delayMs: number): number {
  return Math.ceil(Math.max(0, delayMs) / 1_000);
}
