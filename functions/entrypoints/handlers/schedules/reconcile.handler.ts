import middy from '@middy/core';
import { closeActs } from '../../../features/audit/close-acts.ts';
import { type Reconciliation, reconcileFleets } from '../../../features/fleets/reconcile.ts';
import { openWorkflows } from '../../../features/fleets/workflows.ts';
import { countOn, isCountDue } from '../../../platform/deployment/beat.ts';
import { parameterBeat } from '../../../platform/deployment/parameter-beat.ts';
import { openSfnClient, openSsmClient } from '../../../platform/runtime/aws-clients.ts';
import { readEnv } from '../../../platform/runtime/env.ts';
import { logger } from '../../../platform/runtime/logger.ts';
import { measured } from '../../../platform/runtime/measured.ts';
import { openStore } from '../../../platform/store/store.ts';

const env = readEnv([
  'AUDIT_TABLE',
  'FLEETS_TABLE',
  'PROVISION_FLEET_ARN',
  'SECRETS_PREFIX',
  'TERMINATE_FLEET_ARN',
]);
const outside = parameterBeat(openSsmClient(), env.SECRETS_PREFIX);
const deps = {
  store: openStore({ fleets: env.FLEETS_TABLE, audit: env.AUDIT_TABLE }),
  workflows: openWorkflows(openSfnClient(), {
    provisionFleet: env.PROVISION_FLEET_ARN,
    terminateFleet: env.TERMINATE_FLEET_ARN,
  }),
  log: logger,
};

/**
 * Runs each minute. Resumes fleets whose workflow never started, or ended before its work was done. Writes the entries of
 * acts whose process ended before it wrote them.
 */
export const handler = middy<unknown, Reconciliation>()
  .use(measured('reconcile'))
  .handler(async () => {
    if (isCountDue(deps.store.clock.now())) await count();
    await close();
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

/** Closes acts. An error must not delay the reconciliation of fleets: the next run closes them. */
async function close(): Promise<void> {
  try {
    const closed = await closeActs(deps.store);
    if (closed > 0) logger.warn('acts ended without an entry: their results are unknown', { closed });
  } catch (error) {
    logger.error('the acts without an entry could not be closed', { error });
  }
}
