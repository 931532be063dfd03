import type { FleetRequest, NodeGroupRequest } from '../../functions/model/fleet-request.ts';
import type { OutsideDriver } from './read-clouds.ts';

/** Number of instances at the cloud of each driver, at a scale of 1. */
export const OUTSIDE_SIZES: Readonly<Record<OutsideDriver, number>> = {
  aws: 300,
  openstack: 80,
  'cb-spider': 80,
};

/** Makes one fleet from the node groups of the simulated clouds' fleets and those of the outside clouds. */
export function makeFleet(
  simulated: readonly FleetRequest[],
  outside: readonly NodeGroupRequest[],
): FleetRequest {
  return {
    name: 'many-clouds',
    description: 'One fleet over clouds of several kinds',
    labels: { stage: 'demo' },
    failurePolicy: 'continue',
    nodeGroups: [...simulated.flatMap(({ nodeGroups }) => nodeGroups), ...outside],
  };
}
