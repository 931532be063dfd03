import middy from '@middy/core';
import { finishTermination } from '../../../features/fleets/finish-termination.ts';
import { openSsmClient } from '../../../platform/runtime/aws-clients.ts';
import { readEnv } from '../../../platform/runtime/env.ts';
import { measured } from '../../../platform/runtime/measured.ts';
import { forgetSshKey } from '../../../platform/secrets/ssh-keys.ts';
import { openStore } from '../../../platform/store/store.ts';
import { type FinishAnswer, removalInputSchema } from '../../../platform/workflow/messages.ts';

const env = readEnv(['FLEETS_TABLE', 'SECRETS_PREFIX']);
const ssm = openSsmClient();
const deps = {
  store: openStore({ fleets: env.FLEETS_TABLE }),
  forgetPrivateKey: (fleetId: string) => forgetSshKey(ssm, env.SECRETS_PREFIX, fleetId),
};

/** Does the work of the state FinishTermination in the workflow `terminate-fleet`. */
export const handler = middy<unknown, FinishAnswer>()
  .use(measured('finish-termination'))
  .handler((event) => finishTermination(deps, removalInputSchema.parse(event)));
