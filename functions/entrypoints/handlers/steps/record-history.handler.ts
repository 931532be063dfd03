import middy from '@middy/core';
import { recordHistory } from '../../../features/history/record-history.ts';
import { readEnv } from '../../../platform/runtime/env.ts';
import { measured } from '../../../platform/runtime/measured.ts';
import { openStore } from '../../../platform/store/store.ts';
import { fleetInputSchema } from '../../../platform/workflow/messages.ts';

const env = readEnv(['FLEETS_TABLE', 'HISTORY_TABLE']);
const store = openStore({ fleets: env.FLEETS_TABLE, history: env.HISTORY_TABLE });

/** Does the work of the state RecordHistory in the workflow `provision-fleet`. */
export const handler = middy<unknown, void>()
  .use(measured('record-history'))
  .handler((event) => recordHistory(store, fleetInputSchema.parse(event).fleetId));
