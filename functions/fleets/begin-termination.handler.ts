import middy from '@middy/core';
import { readEnv } from '../runtime/env.ts';
import { measured } from '../runtime/measured.ts';
import { openStore } from '../store/client.ts';
import { removalInputSchema, type TerminationPlan } from '../workflow/messages.ts';
import { beginTermination } from './begin-termination.ts';

const env = readEnv(['FLEETS_TABLE', 'ACCESS_TABLE', 'QUEUE_URLS']);
const deps = {
  store: openStore({ fleets: env.FLEETS_TABLE, access: env.ACCESS_TABLE }),
  queueUrls: env.QUEUE_URLS,
};

/** The state BeginTermination of `terminate-fleet`. */
export const handler = middy<unknown, TerminationPlan>()
  .use(measured('begin-termination'))
  .handler((event) => beginTermination(deps, removalInputSchema.parse(event)));
