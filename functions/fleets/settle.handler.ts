import middy from '@middy/core';
import { readEnv } from '../runtime/env.ts';
import { logger } from '../runtime/logger.ts';
import { measured } from '../runtime/measured.ts';
import { openStore } from '../store/client.ts';
import { type SettleAnswer, settleInputSchema } from '../workflow/messages.ts';
import { settleFleet } from './settle.ts';

const env = readEnv(['FLEETS_TABLE']);
const store = openStore({ fleets: env.FLEETS_TABLE });

/** The state Settle of `provision-fleet`. */
export const handler = middy<unknown, SettleAnswer>()
  .use(measured('settle'))
  .handler(async (event) => {
    const { fleetId, execution, interruptedBy } = settleInputSchema.parse(event);
    if (interruptedBy) logger.error('provisioning was interrupted', { fleetId, interruptedBy });
    return await settleFleet(store, { fleetId, execution });
  });
