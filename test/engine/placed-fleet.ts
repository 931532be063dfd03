import type { FleetSpec } from '../../functions/model/fleet.ts';
import type { FailurePolicy } from '../../functions/model/fleet-request.ts';
import { instanceId, makeFleetId } from '../../functions/model/identifiers.ts';
import { layOut } from '../../functions/platform/placement/lay-out.ts';
import type { InstanceItem } from '../../functions/platform/store/instances.ts';
import { createFleet } from '../../functions/platform/store/new-fleet.ts';
import { openPlacement } from '../../functions/platform/store/placements.ts';
import type { Store } from '../../functions/platform/store/store.ts';
import { record } from '../samples/records.ts';

export const request = { failurePolicy: 'continue' as const };

export function spec(name: string, size = 4, namespace = 'default'): FleetSpec {
  return {
    fleetId: makeFleetId(Date.now(), Math.random),
    namespace,
    name,
    nodeGroups: [
      {
        name: 'web',
        size,
        connection: 'sim-aws',
        locations: ['us-east-1', 'us-west-2'],
        instanceType: 'm6i.large',
        image: 'ubuntu-24.04',
        driver: 'sim',
        cloud: 'aws',
        imageBackendIds: {},
        pricesUsdPerHour: {},
      },
    ],
  };
}

/** Creates a fleet whose placements in us-east-1 and us-west-2 are open for its first round. */
export async function openedFleet(
  store: Store,
  name: string,
  size = 4,
  failurePolicy: FailurePolicy = 'continue',
) {
  const asked = spec(name, size);
  await createFleet(store, { connections: [], spec: asked, request: { failurePolicy } });
  const [placement, other] = layOut(asked);
  if (!placement || !other) throw new Error('the fleet has fewer than two placements');
  for (const one of [placement, other]) await openPlacement(store, asked.fleetId, one, 1);
  const { connectionKey, location } = placement;
  return {
    fleetId: asked.fleetId,
    placement,
    other,
    ref: { fleetId: asked.fleetId, connectionKey, location },
  };
}

export function claimOf(fleetId: string, index: number, fields: Partial<InstanceItem> = {}): InstanceItem {
  const id = instanceId({ fleetId, index });
  return record({
    instanceId: id,
    fleetId,
    index,
    launchToken: `${id}.1`,
    launchState: 'claimed',
    ...fields,
  });
}
