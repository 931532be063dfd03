import type { FleetStatus } from '../model/status.ts';
import type { Store } from '../store/client.ts';
import { closeFleet, parseFleetItem } from '../store/fleets.ts';
import { readNetworks } from '../store/networks.ts';
import { liveCount, readFleetPartition } from '../store/placements.ts';

export interface FinishTerminationDeps {
  store: Store<'fleets'>;
  forgetPrivateKey(fleetId: string): Promise<void>;
}

/**
 * The state FinishTermination: a fleet of which nothing is left is Terminated, and its name is free. While
 * anything is left it keeps its status, which the workflow fails with.
 */
export async function finishTermination(
  { store, forgetPrivateKey }: FinishTerminationDeps,
  fleetId: string,
): Promise<{ status: FleetStatus }> {
  const { meta, placements } = await readFleetPartition(store, fleetId);
  const fleet = parseFleetItem(meta);
  const instances = placements.reduce((sum, placement) => sum + liveCount(placement), 0);
  const networks = await readNetworks(store, { fleetId });
  if (instances > 0 || networks.length > 0) return { status: fleet.status };
  await forgetPrivateKey(fleetId);
  await closeFleet(store, fleet);
  return { status: 'Terminated' };
}
