import { cbSpiderDriver } from '../../../drivers/cb-spider/driver.ts';
import { readEnv } from '../../../platform/runtime/env.ts';
import { openContext, WORKER_ENV } from '../../dispatch/open-context.ts';
import { queueHandler } from '../../dispatch/queue-handler.ts';

/** Consumes the queue of driver `cb-spider`. */
export const handler = queueHandler(openContext(cbSpiderDriver, readEnv(WORKER_ENV)));
