import { createTemplateDriver } from '../../../drivers/_template/driver.ts';
import { openConnections } from '../../../drivers/contract/outgoing-connections.ts';
import { sendThrough } from '../../../drivers/contract/outgoing-requests.ts';
import { readEnv } from '../../../platform/runtime/env.ts';
import { openContext, WORKER_ENV } from '../../dispatch/open-context.ts';
import { queueHandler } from '../../dispatch/queue-handler.ts';

const env = readEnv([...WORKER_ENV, 'ALLOWED_ADDRESSES']);
const driver = createTemplateDriver(sendThrough(openConnections(env.ALLOWED_ADDRESSES)));

/** Consumes the queue of driver `template`. */
export const handler = queueHandler(openContext(driver, env));
