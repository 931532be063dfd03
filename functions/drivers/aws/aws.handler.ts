import { readEnv } from '../../runtime/env.ts';
import { openContext, WORKER_ENV } from '../../worker/open-context.ts';
import { queueHandler } from '../../worker/queue-handler.ts';
import { awsDriver } from './driver.ts';

/** Consumes the queue of driver `aws`. */
export const handler = queueHandler(openContext(awsDriver, readEnv(WORKER_ENV)));
