import { readEnv } from '../../runtime/env.ts';
import { openContext, WORKER_ENV } from '../../worker/open-context.ts';
import { queueHandler } from '../../worker/queue-handler.ts';
import { simDriver } from './driver.ts';

/** Consumes the queue of driver `sim`. */
export const handler = queueHandler(openContext(simDriver, readEnv(WORKER_ENV)));
