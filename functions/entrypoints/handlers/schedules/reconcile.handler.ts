import middy from '@middy/core';
import { type Reconciliation, reconcileFleets } from '../../../features/fleets/reconcile.ts';
import { openWorkflows } from '../../../features/fleets/workflows.ts';
import { countOn, isCountDue } from '../../../platform/deployment/beat.ts';
import { parameterBeat } from '../../../platform/deployment/parameter-beat.ts';
import { openSfnClient, openSsmClient } from '../../../platform/runtime/aws-clients.ts';
import { readEnv } from '../../../platform/runtime/env.ts';
import { logger } from '../../../platform/runtime/logger.ts';
import { measured } from '../../../platform/runtime/measured.ts';
import { openStore } from '../../../platform/store/store.ts';

const env = readEnv(['FLEETS_TABLE', 'PROVISION_FLEET_ARN', 'SECRETS_PREFIX', 'TERMINATE_FLEET_ARN']);
const outside = parameterBeat(openSsmClient(), env.SECRETS_PREFIX);
const deps = {
  store: openStore({ fleets: env.FLEETS_TABLE }),
  workflows: openWorkflows(openSfnClient(), {
    provisionFleet: env.PROVISION_FLEET_ARN,
    terminateFleet: env.TERMINATE_FLEET_ARN,
  }),
  log: logger,
};

/** Runs each minute. Resumes fleets whose workflow never started, or ended before its work was done. */
export const handler = middy<unknown, Reconciliation>()
  .use(measured('reconcile'))
  .handler(async () => {
    if (isCountDue(deps.store.clock.now())) await count();
    return await reconcileFleets(deps);
  });

/**
 * Advances a counter in the tables and in the Parameter Store. If the counter in the Parameter Store is
 * ahead, the tables were restored to an earlier time. An error of the Parameter Store must not delay the
 * reconciliation of fleets.
 */
async function count(): Promise<void> {
  try {
    if (await countOn(deps.store, outside))
      logger.warn(
        'the tables were restored to an earlier time: sweeps remove no machines until an operator continues them',
      );
  } catch (error) {
    logger.error('the restore counter of the deployment could not be updated', { error });
  }
}
