import { openSqsClient } from '../../../platform/runtime/aws-clients.ts';
import { readEnv } from '../../../platform/runtime/env.ts';
import { openStore } from '../../../platform/store/store.ts';
import { openQueue } from '../../../platform/worker/message-queue.ts';
import { handle } from '../../api/handle.ts';
import { openTokens, TOKEN_ENV } from '../../api/open-tokens.ts';
import { resourceOperations } from '../../api/operations/resources.ts';

const env = readEnv([...TOKEN_ENV, 'ACCESS_TABLE', 'AUDIT_TABLE', 'FLEETS_TABLE', 'QUEUE_URLS']);
const store = openStore({ access: env.ACCESS_TABLE, audit: env.AUDIT_TABLE, fleets: env.FLEETS_TABLE });
const tokens = openTokens(env);
const sqs = openSqsClient();

/** Answers requests about network resources, sweeps and orphans. */
export const handler = handle({
  handler: 'resources',
  store,
  tokens,
  operations: resourceOperations({
    store,
    async send(driver, message) {
      const queueUrl = env.QUEUE_URLS[driver];
      if (queueUrl === undefined) throw new Error(`QUEUE_URLS has no queue of driver ${driver}`);
      await openQueue(sqs, queueUrl).send(message, 0);
    },
  }),
});
