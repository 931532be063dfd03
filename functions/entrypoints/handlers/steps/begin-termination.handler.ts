import middy from '@middy/core';
import { beginTermination } from '../../../features/fleets/begin-termination.ts';
import { readEnv } from '../../../platform/runtime/env.ts';
import { measured } from '../../../platform/runtime/measured.ts';
import { openStore } from '../../../platform/store/store.ts';
import { removalInputSchema, type TerminationSites } from '../../../platform/workflow/messages.ts';

const env = readEnv(['FLEETS_TABLE', 'ACCESS_TABLE', 'AUDIT_TABLE', 'QUEUE_URLS']);
const deps = {
  store: openStore({ fleets: env.FLEETS_TABLE, access: env.ACCESS_TABLE, audit: env.AUDIT_TABLE }),
  queueUrls: env.QUEUE_URLS,
};

/** Does the work of the state BeginTermination in the workflow `terminate-fleet`. */
export const handler = middy<unknown, TerminationSites>()
  .use(measured('begin-termination'))
  .handler((event) => beginTermination(deps, removalInputSchema.parse(event)));
