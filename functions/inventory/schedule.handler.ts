import { SQSClient } from '@aws-sdk/client-sqs';
import middy from '@middy/core';
import { DRIVERS } from '../drivers/registry.ts';
import { readEnv } from '../runtime/env.ts';
import { measured } from '../runtime/measured.ts';
import { openStore } from '../store/client.ts';
import { allConnections } from '../store/connections.ts';
import { openQueue } from '../worker/queue.ts';
import { dueWork } from './due-work.ts';

const env = readEnv(['ACCESS_TABLE', 'QUEUE_URLS']);
const store = openStore({ access: env.ACCESS_TABLE });
const sqs = new SQSClient({});

/**
 * By EventBridge, at the stage's interval: every connection that is in use is verified, and has its inventory synced.
 * One whose driver is deployed no more is left alone.
 */
export const handler = middy<unknown, { connections: number }>()
  .use(measured('inventory-schedule'))
  .handler(async () => {
    let connections = 0;
    for (const connection of await allConnections(store)) {
      const queueUrl = env.QUEUE_URLS[connection.driver];
      const { inventoryPollMinutes } = DRIVERS[connection.driver];
      const message = dueWork(connection, inventoryPollMinutes, store.clock.now());
      if (!message || queueUrl === undefined) continue;
      await openQueue(sqs, queueUrl).send(message, 0);
      connections += 1;
    }
    return { connections };
  });
