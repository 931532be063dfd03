import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { usage } from '../runtime/usage.ts';
import type { DriverMessage } from '../workflow/messages.ts';

const MAX_DELAY_SECONDS = 900;

/** Sends to a driver's queue; a wait longer than SQS can keep a message comes back early and waits again. */
export function openQueue(sqs: SQSClient, queueUrl: string) {
  return async (message: DriverMessage, delayMs: number): Promise<void> => {
    usage.sqsRequests += 1;
    await sqs.send(
      new SendMessageCommand({
        QueueUrl: queueUrl,
        MessageBody: JSON.stringify(message),
        DelaySeconds: Math.min(MAX_DELAY_SECONDS, Math.ceil(Math.max(0, delayMs) / 1_000)),
      }),
    );
  };
}
