import type { FleetStatus } from '../model/status.ts';
import type { Store } from '../store/client.ts';
import { closeFleet, parseFleetItem } from '../store/fleets.ts';
import { readNetworks } from '../store/networks.ts';
import { liveCount, readFleetPartition } from '../store/placements.ts';

/** Something of the fleet is still there. The workflow fails with it, which raises an alarm. */
export class TerminationIncomplete extends Error {
  constructor(fleetId: string, instances: number, networks: number) {
    super(`fleet ${fleetId}: ${instances} instances and ${networks} network resources are left`);
    this.name = 'TerminationIncomplete';
  }
}

export interface FinishTerminationDeps {
  store: Store<'fleets'>;
  forgetPrivateKey(fleetId: string): Promise<void>;
}

/**
 * The state FinishTermination: a fleet of which nothing is left is Terminated, and its name is free.
 *
 * @throws TerminationIncomplete when anything is left; the fleet stays Terminating
 */
export async function finishTermination(
  { store, forgetPrivateKey }: FinishTerminationDeps,
  fleetId: string,
): Promise<{ status: FleetStatus }> {
  const { meta, placements } = await readFleetPartition(store, fleetId);
  const fleet = parseFleetItem(meta);
  const instances = placements.reduce((sum, placement) => sum + liveCount(placement), 0);
  const networks = await readNetworks(store, { fleetId });
  if (instances > 0 || networks.length > 0)
    throw new TerminationIncomplete(fleetId, instances, networks.length);
  await forgetPrivateKey(fleetId);
  await closeFleet(store, fleet);
  return { status: 'Terminated' };
}
