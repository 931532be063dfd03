import { SSMClient } from '@aws-sdk/client-ssm';
import middy from '@middy/core';
import { readEnv } from '../runtime/env.ts';
import { logger } from '../runtime/logger.ts';
import { measured } from '../runtime/measured.ts';
import { openStore } from '../store/client.ts';
import { type FinishedChanges, finishChanges } from './finish-changes.ts';

const env = readEnv(['ACCESS_TABLE', 'FLEETS_TABLE', 'CATALOGUE_TABLE', 'SECRETS_PREFIX']);
const deps = {
  store: openStore({
    access: env.ACCESS_TABLE,
    fleets: env.FLEETS_TABLE,
    catalogue: env.CATALOGUE_TABLE,
  }),
  ssm: new SSMClient({}),
  secretsPrefix: env.SECRETS_PREFIX,
  log: logger,
};

/** Each ten minutes: changes of namespaces and connections whose request died. */
export const handler = middy<unknown, FinishedChanges>()
  .use(measured('finish-changes'))
  .handler(() => finishChanges(deps));
