import { simDriver } from '../../../drivers/sim/driver.ts';
import { readEnv } from '../../../platform/runtime/env.ts';
import { openContext, WORKER_ENV } from '../../dispatch/open-context.ts';
import { queueHandler } from '../../dispatch/queue-handler.ts';

/** Consumes the queue of driver `sim`. */
export const handler = queueHandler(openContext(simDriver, readEnv(WORKER_ENV)));
