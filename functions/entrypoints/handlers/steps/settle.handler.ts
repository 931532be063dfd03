import middy from '@middy/core';
import { settleFleet } from '../../../features/fleets/settle.ts';
import { readEnv } from '../../../platform/runtime/env.ts';
import { logger } from '../../../platform/runtime/logger.ts';
import { measured } from '../../../platform/runtime/measured.ts';
import { openStore } from '../../../platform/store/store.ts';
import { type SettleAnswer, settleInputSchema } from '../../../platform/workflow/messages.ts';

const env = readEnv(['FLEETS_TABLE']);
const store = openStore({ fleets: env.FLEETS_TABLE });

/** Does the work of the state Settle in the workflow `provision-fleet`. */
export const handler = middy<unknown, SettleAnswer>()
  .use(measured('settle'))
  .handler(async (event) => {
    const { fleetId, execution, interruptedBy } = settleInputSchema.parse(event);
    if (interruptedBy) logger.error('provisioning was interrupted', { fleetId, interruptedBy });
    return await settleFleet(store, { fleetId, execution });
  });
