import middy from '@middy/core';
import { assignSites } from '../../../features/fleets/assignment.ts';
import { makeSshKey } from '../../../features/fleets/ssh-key.ts';
import { openSsmClient } from '../../../platform/runtime/aws-clients.ts';
import { readEnv } from '../../../platform/runtime/env.ts';
import { measured } from '../../../platform/runtime/measured.ts';
import { forgetSshKey, keepSshKey } from '../../../platform/secrets/ssh-keys.ts';
import { openStore } from '../../../platform/store/store.ts';
import { type Assignment, provisionInputSchema } from '../../../platform/workflow/messages.ts';

const env = readEnv(['FLEETS_TABLE', 'ACCESS_TABLE', 'QUEUE_URLS', 'SECRETS_PREFIX', 'SECRETS_KEY']);
const ssm = openSsmClient(undefined, env.SECRETS_KEY);
const deps = {
  store: openStore({ fleets: env.FLEETS_TABLE, access: env.ACCESS_TABLE }),
  queueUrls: env.QUEUE_URLS,
  makeKey: makeSshKey,
  keepPrivateKey: (fleetId: string, privateKey: string) =>
    keepSshKey(ssm, env.SECRETS_PREFIX, fleetId, privateKey),
  forgetPrivateKey: (fleetId: string) => forgetSshKey(ssm, env.SECRETS_PREFIX, fleetId),
};

/** Does the work of the state Assign in the workflow `provision-fleet`. */
export const handler = middy<unknown, Assignment>()
  .use(measured('assign'))
  .handler((event) => assignSites(deps, provisionInputSchema.parse(event)));
