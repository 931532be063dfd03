import { readEnv } from '../../runtime/env.ts';
import { openContext, WORKER_ENV } from '../../worker/open-context.ts';
import { queueHandler } from '../../worker/queue-handler.ts';
import { cbSpiderDriver } from './driver.ts';

/** Consumes the queue of driver `cb-spider`. */
export const handler = queueHandler(openContext(cbSpiderDriver, readEnv(WORKER_ENV)));
