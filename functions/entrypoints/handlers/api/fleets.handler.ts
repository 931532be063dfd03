import { openWorkflows } from '../../../features/fleets/workflows.ts';
import { openSfnClient } from '../../../platform/runtime/aws-clients.ts';
import { readEnv } from '../../../platform/runtime/env.ts';
import { openStore } from '../../../platform/store/store.ts';
import { handle } from '../../api/handle.ts';
import { openTokens, TOKEN_ENV } from '../../api/open-tokens.ts';
import { fleetInspections, fleetOperations } from '../../api/operations/fleets.ts';

const env = readEnv([
  ...TOKEN_ENV,
  'FLEETS_TABLE',
  'CATALOGUE_TABLE',
  'ACCESS_TABLE',
  'AUDIT_TABLE',
  'GOVERNOR_TABLE',
  'PROVISION_FLEET_ARN',
  'TERMINATE_FLEET_ARN',
  'WAITING_REQUESTS',
]);
const store = openStore({
  fleets: env.FLEETS_TABLE,
  catalogue: env.CATALOGUE_TABLE,
  access: env.ACCESS_TABLE,
  audit: env.AUDIT_TABLE,
  governor: env.GOVERNOR_TABLE,
});
const tokens = openTokens(env);
const workflows = openWorkflows(openSfnClient(), {
  provisionFleet: env.PROVISION_FLEET_ARN,
  terminateFleet: env.TERMINATE_FLEET_ARN,
});

/** Answers requests about fleets and instances. */
export const handler = handle({
  handler: 'fleets',
  store,
  tokens,
  operations: fleetOperations({
    store,
    workflows,
    waitingRequests: env.WAITING_REQUESTS,
  }),
  inspections: fleetInspections(store),
});
