import middy from '@middy/core';
import { scheduleSweeps } from '../../../features/sweeps/schedule-sweeps.ts';
import { openSqsClient } from '../../../platform/runtime/aws-clients.ts';
import { readEnv } from '../../../platform/runtime/env.ts';
import { measured } from '../../../platform/runtime/measured.ts';
import { allConnections } from '../../../platform/store/connections.ts';
import { openStore } from '../../../platform/store/store.ts';
import { openQueue } from '../../../platform/worker/message-queue.ts';

const env = readEnv(['ACCESS_TABLE', 'QUEUE_URLS']);
const store = openStore({ access: env.ACCESS_TABLE });
const sqs = openSqsClient();

/**
 * Starts a sweep for orphans at each connection in Ready or Disabled. EventBridge runs this function at an
 * interval from the settings of the deployment stage.
 */
export const handler = middy<unknown, { connections: number }>()
  .use(measured('orphan-schedule'))
  .handler(async () => {
    const connections = await scheduleSweeps(await allConnections(store), async (driver, message) => {
      const queueUrl = env.QUEUE_URLS[driver];
      if (queueUrl === undefined) throw new Error(`QUEUE_URLS has no queue of driver ${driver}`);
      await openQueue(sqs, queueUrl).send(message, 0);
    });
    return { connections };
  });
