import middy from '@middy/core';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import * as z from 'zod';
import { measured } from '../../platform/runtime/measured.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';
import { handleBatch } from './handle-batch.ts';

/** Time by the queue's clock, in milliseconds since 1970. */
const timestampSchema = z.coerce.number().int().positive().optional();

const eventSchema = z.object({
  Records: z.array(
    z
      .object({
        messageId: z.string(),
        body: z.string(),
        receiptHandle: z.string(),
        attributes: z.object({
          ApproximateReceiveCount: z.coerce.number().int().positive(),
          SentTimestamp: timestampSchema,
          ApproximateFirstReceiveTimestamp: timestampSchema,
        }),
      })
      .transform(({ attributes, ...record }) => ({
        ...record,
        receives: attributes.ApproximateReceiveCount,
        sentAtMs: attributes.SentTimestamp,
        firstReceivedAtMs: attributes.ApproximateFirstReceiveTimestamp,
      })),
  ),
});

/**
 * Returns the Lambda handler of one driver's queue. The handler reports the ids of failed messages, so that
 * SQS deletes only the other messages.
 */
export function queueHandler(context: WorkerContext) {
  return middy<SQSEvent, SQSBatchResponse>()
    .use(measured(`driver-${context.driver.name}`))
    .handler(async (event) => {
      const { Records } = eventSchema.parse(event);
      const failed = await handleBatch(context, Records);
      return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
    });
}
