import { SQSClient } from '@aws-sdk/client-sqs';
import middy from '@middy/core';
import { connectionKey } from '../model/identifiers.ts';
import { readEnv } from '../runtime/env.ts';
import { measured } from '../runtime/measured.ts';
import { openStore } from '../store/client.ts';
import { allConnections } from '../store/connections.ts';
import { openQueue } from '../worker/queue.ts';

const env = readEnv(['ACCESS_TABLE', 'QUEUE_URLS']);
const store = openStore({ access: env.ACCESS_TABLE });
const sqs = new SQSClient({});

/** By EventBridge, at the stage's interval: every connection that can be used has its inventory synced. */
export const handler = middy<unknown, { connections: number }>()
  .use(measured('inventory-schedule'))
  .handler(async () => {
    const ready = (await allConnections(store)).filter(({ status }) => status === 'Ready');
    for (const { driver, namespace, name } of ready) {
      const queueUrl = env.QUEUE_URLS[driver];
      if (queueUrl === undefined) throw new Error(`QUEUE_URLS has no queue of driver ${driver}`);
      const send = openQueue(sqs, queueUrl);
      await send({ kind: 'sync-inventory', connectionKey: connectionKey(namespace, name) }, 0);
    }
    return { connections: ready.length };
  });
