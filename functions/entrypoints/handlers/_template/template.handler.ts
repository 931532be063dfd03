import { templateDriver } from '../../../drivers/_template/driver.ts';
import { readEnv } from '../../../platform/runtime/env.ts';
import { openContext, WORKER_ENV } from '../../dispatch/open-context.ts';
import { queueHandler } from '../../dispatch/queue-handler.ts';

/** Consumes the queue of driver `template`. */
export const handler = queueHandler(openContext(templateDriver, readEnv(WORKER_ENV)));
