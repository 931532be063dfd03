import { awsDriver } from '../../../drivers/aws/driver.ts';
import { readEnv } from '../../../platform/runtime/env.ts';
import { openContext, WORKER_ENV } from '../../dispatch/open-context.ts';
import { queueHandler } from '../../dispatch/queue-handler.ts';

/** Consumes the queue of driver `aws`. */
export const handler = queueHandler(openContext(awsDriver, readEnv(WORKER_ENV)));
