import type { FleetStatus } from '../model/status.ts';
import type { Store } from '../store/client.ts';
import { readFleetItem, updateFleet } from '../store/fleets.ts';

const REMOVABLE: readonly FleetStatus[] = [
  'Preparing',
  'Held',
  'Creating',
  'Running',
  'PartiallyRunning',
  'Suspended',
  'Failed',
];

/**
 * Marks a fleet for removal. `already`: it is being removed or gone; starting the workflow again is harmless, and
 * repairs a first request that died before it did.
 */
export async function requestTermination(
  store: Store<'fleets'>,
  namespace: string,
  fleetId: string,
): Promise<'accepted' | 'already' | 'not-found'> {
  const fleet = await readFleetItem(store, fleetId);
  if (fleet?.namespace !== namespace) return 'not-found';
  if (await updateFleet(store, fleetId, REMOVABLE, { status: 'Terminating' })) return 'accepted';
  return 'already';
}
