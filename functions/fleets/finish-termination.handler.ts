import { SSMClient } from '@aws-sdk/client-ssm';
import middy from '@middy/core';
import { readEnv } from '../runtime/env.ts';
import { measured } from '../runtime/measured.ts';
import { forgetSshKey } from '../secrets/ssh-keys.ts';
import { openStore } from '../store/client.ts';
import { type FinishAnswer, removalInputSchema } from '../workflow/messages.ts';
import { finishTermination } from './finish-termination.ts';

const env = readEnv(['FLEETS_TABLE', 'SECRETS_PREFIX']);
const ssm = new SSMClient({});
const deps = {
  store: openStore({ fleets: env.FLEETS_TABLE }),
  forgetPrivateKey: (fleetId: string) => forgetSshKey(ssm, env.SECRETS_PREFIX, fleetId),
};

/** The state FinishTermination of `terminate-fleet`. */
export const handler = middy<unknown, FinishAnswer>()
  .use(measured('finish-termination'))
  .handler((event) => finishTermination(deps, removalInputSchema.parse(event)));
