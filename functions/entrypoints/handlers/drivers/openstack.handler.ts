import { openstackDriver } from '../../../drivers/openstack/driver.ts';
import { readEnv } from '../../../platform/runtime/env.ts';
import { openContext, WORKER_ENV } from '../../dispatch/open-context.ts';
import { queueHandler } from '../../dispatch/queue-handler.ts';

/** Consumes the queue of driver `openstack`. */
export const handler = queueHandler(openContext(openstackDriver, readEnv(WORKER_ENV)));
