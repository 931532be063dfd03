import { REGISTERED_DRIVERS } from '../../../drivers/registry.ts';
import { inspectRefusedConnection } from '../../../features/connections/check-request.ts';
import { openSqsClient, openSsmClient } from '../../../platform/runtime/aws-clients.ts';
import { readEnv } from '../../../platform/runtime/env.ts';
import { openStore } from '../../../platform/store/store.ts';
import { openQueue } from '../../../platform/worker/message-queue.ts';
import { handle } from '../../api/handle.ts';
import { openTokens, TOKEN_ENV } from '../../api/open-tokens.ts';
import { connectionOperations } from '../../api/operations/connections.ts';

const env = readEnv([
  ...TOKEN_ENV,
  'ACCESS_TABLE',
  'AUDIT_TABLE',
  'FLEETS_TABLE',
  'CATALOGUE_TABLE',
  'GOVERNOR_TABLE',
  'QUEUE_URLS',
  'SECRETS_PREFIX',
  'SECRETS_KEY',
  'ALLOW_ENDPOINT_OVERRIDE',
]);
const store = openStore({
  access: env.ACCESS_TABLE,
  audit: env.AUDIT_TABLE,
  fleets: env.FLEETS_TABLE,
  catalogue: env.CATALOGUE_TABLE,
  governor: env.GOVERNOR_TABLE,
});
const tokens = openTokens(env);
const sqs = openSqsClient();
const rules = {
  drivers: REGISTERED_DRIVERS.map(({ name }) => name).filter((name) => env.QUEUE_URLS[name] !== undefined),
  allowEndpointOverride: env.ALLOW_ENDPOINT_OVERRIDE,
  allowedAddresses: env.ALLOWED_ADDRESSES,
};

/**
 * Answers requests about drivers and connections. Writes secrets to the Parameter Store, and never reads
 * them.
 */
export const handler = handle({
  handler: 'connections',
  store,
  tokens,
  operations: connectionOperations({
    store,
    ssm: openSsmClient(undefined, env.SECRETS_KEY),
    secretsPrefix: env.SECRETS_PREFIX,
    ...rules,
    async send(driver, message) {
      const queueUrl = env.QUEUE_URLS[driver];
      if (queueUrl === undefined) throw new Error(`QUEUE_URLS has no queue of driver ${driver}`);
      await openQueue(sqs, queueUrl).send(message, 0);
    },
  }),
  inspections: {
    createConnection: (_params, body) => Promise.resolve(inspectRefusedConnection(body, rules)),
  },
});
