import { SFNClient } from '@aws-sdk/client-sfn';
import middy from '@middy/core';
import { readEnv } from '../runtime/env.ts';
import { logger } from '../runtime/logger.ts';
import { measured } from '../runtime/measured.ts';
import { openStore } from '../store/client.ts';
import { type Reconciliation, reconcileFleets } from './reconcile.ts';
import { openWorkflows } from './workflows.ts';

const env = readEnv(['FLEETS_TABLE', 'PROVISION_FLEET_ARN', 'TERMINATE_FLEET_ARN']);
const deps = {
  store: openStore({ fleets: env.FLEETS_TABLE }),
  workflows: openWorkflows(new SFNClient({}), {
    provisionFleet: env.PROVISION_FLEET_ARN,
    terminateFleet: env.TERMINATE_FLEET_ARN,
  }),
  log: logger,
};

/** Each minute: fleets whose workflow never began, or ended before its work was done. */
export const handler = middy<unknown, Reconciliation>()
  .use(measured('reconcile'))
  .handler(() => reconcileFleets(deps));
