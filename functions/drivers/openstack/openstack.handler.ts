import { readEnv } from '../../runtime/env.ts';
import { openContext, WORKER_ENV } from '../../worker/open-context.ts';
import { queueHandler } from '../../worker/queue-handler.ts';
import { openstackDriver } from './driver.ts';

/** Consumes the queue of driver `openstack`. */
export const handler = queueHandler(openContext(openstackDriver, readEnv(WORKER_ENV)));
