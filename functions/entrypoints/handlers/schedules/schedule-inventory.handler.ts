import middy from '@middy/core';
import { scheduleInventory } from '../../../features/inventory/schedule-inventory.ts';
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
 * Sends messages that verify each connection in use, and messages that sync its inventory. Skips connections
 * whose driver is no longer deployed. EventBridge runs this function at an interval from the settings of the
 * deployment stage.
 */
export const handler = middy<unknown, { messages: number }>()
  .use(measured('inventory-schedule'))
  .handler(async () => {
    const connections = await allConnections(store);
    const messages = await scheduleInventory(connections, store.clock.now(), async (driver, message) => {
      const queueUrl = env.QUEUE_URLS[driver];
      if (queueUrl === undefined) return false;
      await openQueue(sqs, queueUrl).send(message, 0);
      return true;
    });
    return { messages };
  });
