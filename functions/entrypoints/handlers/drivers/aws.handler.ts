import { createAwsDriver } from '../../../drivers/aws/driver.ts';
import { readEnv } from '../../../platform/runtime/env.ts';
import { openContext, WORKER_ENV } from '../../dispatch/open-context.ts';
import { queueHandler } from '../../dispatch/queue-handler.ts';

const env = readEnv([...WORKER_ENV, 'AWS_REGION']);

/** Consumes the queue of driver `aws`. */
export const handler = queueHandler(openContext(createAwsDriver(undefined, undefined, env.AWS_REGION), env));
