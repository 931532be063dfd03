import { createAwsDriver } from '../../../drivers/aws/driver.ts';
import { handlerThrough } from '../../../drivers/aws/settings.ts';
import { openConnections } from '../../../drivers/contract/outgoing-connections.ts';
import { readEnv } from '../../../platform/runtime/env.ts';
import { openContext, WORKER_ENV } from '../../dispatch/open-context.ts';
import { queueHandler } from '../../dispatch/queue-handler.ts';

const env = readEnv([...WORKER_ENV, 'AWS_REGION', 'ALLOWED_ADDRESSES']);
const requestHandler = handlerThrough(openConnections(env.ALLOWED_ADDRESSES));

/** Consumes the queue of driver `aws`. */
export const handler = queueHandler(
  openContext(createAwsDriver(requestHandler, undefined, env.AWS_REGION), env),
);
