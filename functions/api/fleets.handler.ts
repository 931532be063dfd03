import { SFNClient } from '@aws-sdk/client-sfn';
import { startWorkflow } from '../fleets/start-workflow.ts';
import { readEnv } from '../runtime/env.ts';
import { openStore } from '../store/client.ts';
import { handle } from './handle.ts';
import { fleetInspections, fleetOperations } from './operations/fleets.ts';

const env = readEnv([
  'FLEETS_TABLE',
  'CATALOGUE_TABLE',
  'ACCESS_TABLE',
  'PROVISION_FLEET_ARN',
  'TERMINATE_FLEET_ARN',
]);
const store = openStore({
  fleets: env.FLEETS_TABLE,
  catalogue: env.CATALOGUE_TABLE,
  access: env.ACCESS_TABLE,
});
const sfn = new SFNClient({});
const AGAIN_MS = 60_000;

/** Fleets and instances. */
export const handler = handle({
  handler: 'fleets',
  store,
  operations: fleetOperations({
    store,
    startProvisioning: (fleetId) => startWorkflow(sfn, env.PROVISION_FLEET_ARN, fleetId, fleetId),
    startTermination: (fleetId, again) => {
      // A name is spent for 90 days, also by a run that failed: asking again starts one more, one a minute at most.
      const minute = Math.floor(store.clock.now() / AGAIN_MS);
      const name = again ? `${fleetId}-${minute}` : fleetId;
      return startWorkflow(sfn, env.TERMINATE_FLEET_ARN, name, fleetId);
    },
  }),
  inspections: fleetInspections(store),
});
