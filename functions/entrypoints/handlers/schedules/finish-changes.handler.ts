import middy from '@middy/core';
import { type FinishedChanges, finishChanges } from '../../../features/connections/finish-changes.ts';
import { openSsmClient } from '../../../platform/runtime/aws-clients.ts';
import { readEnv } from '../../../platform/runtime/env.ts';
import { logger } from '../../../platform/runtime/logger.ts';
import { measured } from '../../../platform/runtime/measured.ts';
import { openStore } from '../../../platform/store/store.ts';

const env = readEnv(['ACCESS_TABLE', 'FLEETS_TABLE', 'CATALOGUE_TABLE', 'SECRETS_PREFIX']);
const deps = {
  store: openStore({
    access: env.ACCESS_TABLE,
    fleets: env.FLEETS_TABLE,
    catalogue: env.CATALOGUE_TABLE,
  }),
  ssm: openSsmClient(),
  secretsPrefix: env.SECRETS_PREFIX,
  log: logger,
};

/**
 * Runs every ten minutes. Finishes changes of namespaces and connections that API requests began, but did not
 * finish.
 */
export const handler = middy<unknown, FinishedChanges>()
  .use(measured('finish-changes'))
  .handler(() => finishChanges(deps));
