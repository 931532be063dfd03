import { readEnv } from '../../runtime/env.ts';
import { openContext, WORKER_ENV } from '../../worker/open-context.ts';
import { queueHandler } from '../../worker/queue-handler.ts';
import { templateDriver } from './driver.ts';

/** Consumes the queue of driver `template`. */
export const handler = queueHandler(openContext(templateDriver, readEnv(WORKER_ENV)));
