import middy from '@middy/core';
import { endProvisioning } from '../../../features/fleets/end-provisioning.ts';
import { openRemovals } from '../../../features/fleets/workflows.ts';
import { openSfnClient } from '../../../platform/runtime/aws-clients.ts';
import { readEnv } from '../../../platform/runtime/env.ts';
import { logger } from '../../../platform/runtime/logger.ts';
import { measured } from '../../../platform/runtime/measured.ts';
import { openStore } from '../../../platform/store/store.ts';
import { type SettleAnswer, settleInputSchema } from '../../../platform/workflow/messages.ts';

const env = readEnv(['FLEETS_TABLE', 'HISTORY_TABLE', 'TERMINATE_FLEET_ARN']);
const deps = {
  store: openStore({ fleets: env.FLEETS_TABLE, history: env.HISTORY_TABLE }),
  removals: openRemovals(openSfnClient(), env.TERMINATE_FLEET_ARN),
  log: logger,
};

/** Does the work of the state Settle in the workflow `provision-fleet`. */
export const handler = middy<unknown, SettleAnswer>()
  .use(measured('settle'))
  .handler(async (event) => {
    const input = settleInputSchema.parse(event);
    const { fleetId, interruptedBy } = input;
    if (interruptedBy) logger.error('provisioning was interrupted', { fleetId, interruptedBy });
    return await endProvisioning(deps, input);
  });
