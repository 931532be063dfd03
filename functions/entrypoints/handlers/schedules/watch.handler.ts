import middy from '@middy/core';
import { watchSites } from '../../../features/poller/watch.ts';
import { DRIVER_NAMES } from '../../../model/connection.ts';
import { openSqsClient } from '../../../platform/runtime/aws-clients.ts';
import { readEnv } from '../../../platform/runtime/env.ts';
import { measured } from '../../../platform/runtime/measured.ts';
import { openStore } from '../../../platform/store/store.ts';
import { openQueue } from '../../../platform/worker/message-queue.ts';

const env = readEnv(['GOVERNOR_TABLE', 'QUEUE_URLS']);
const store = openStore({ governor: env.GOVERNOR_TABLE });
const sqs = openSqsClient();
const deployed = DRIVER_NAMES.filter((name) => env.QUEUE_URLS[name] !== undefined);

/**
 * Restarts the poll loop of each site whose loop should run but does not. EventBridge runs this function each
 * minute.
 */
export const handler = middy<unknown, { polls: number }>()
  .use(measured('watch'))
  .handler(async () => {
    const polls = await watchSites(store, deployed, async (driver, messages) => {
      const queueUrl = env.QUEUE_URLS[driver];
      if (queueUrl === undefined) throw new Error(`QUEUE_URLS has no queue of driver ${driver}`);
      const queue = openQueue(sqs, queueUrl);
      await Promise.all(messages.map((message) => queue.send(message, 0)));
    });
    return { polls };
  });
