import { SSMClient } from '@aws-sdk/client-ssm';
import middy from '@middy/core';
import { readEnv } from '../runtime/env.ts';
import { measured } from '../runtime/measured.ts';
import { forgetSshKey, keepSshKey } from '../secrets/ssh-keys.ts';
import { openStore } from '../store/client.ts';
import { type Plan, provisionInputSchema } from '../workflow/messages.ts';
import { planFleet } from './plan.ts';
import { makeSshKey } from './ssh-key.ts';

const env = readEnv(['FLEETS_TABLE', 'ACCESS_TABLE', 'QUEUE_URLS', 'SECRETS_PREFIX']);
const ssm = new SSMClient({});
const deps = {
  store: openStore({ fleets: env.FLEETS_TABLE, access: env.ACCESS_TABLE }),
  queueUrls: env.QUEUE_URLS,
  makeKey: makeSshKey,
  keepPrivateKey: (fleetId: string, privateKey: string) =>
    keepSshKey(ssm, env.SECRETS_PREFIX, fleetId, privateKey),
  forgetPrivateKey: (fleetId: string) => forgetSshKey(ssm, env.SECRETS_PREFIX, fleetId),
};

/** The state Plan of `provision-fleet`. */
export const handler = middy<unknown, Plan>()
  .use(measured('plan'))
  .handler((event) => planFleet(deps, provisionInputSchema.parse(event)));
