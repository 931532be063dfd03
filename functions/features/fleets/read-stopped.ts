import type { Counts } from '../../model/fleet.ts';
import type { FleetItem } from '../../platform/store/fleets.ts';
import { readInstanceRange } from '../../platform/store/instances.ts';
import { INSTANCES_PER_PARTITION } from '../../platform/store/keys.ts';
import type { Store } from '../../platform/store/store.ts';

/** Maximum number of ids in a fleet's view. A user finds the others with `instance list`. */
const MOST_NAMED = 5;
/** Number of positions, from the first one, whose records one view reads at most. */
const MOST_READ = 1_000;

/**
 * Returns the ids of stopped instances, so that a user knows which ones to start. Reads no records of a fleet whose
 * counters show no stopped instance.
 */
export async function readStopped(
  store: Store<'fleets'>,
  { fleetId, requested }: Pick<FleetItem, 'fleetId' | 'requested'>,
  counts: Counts,
): Promise<string[]> {
  const wanted = Math.min(MOST_NAMED, counts.Suspended ?? 0);
  const found: string[] = [];
  const end = Math.min(requested, MOST_READ);
  for (let first = 0; first < end && found.length < wanted; first += INSTANCES_PER_PARTITION) {
    const records = await readInstanceRange(store, fleetId, first, first + INSTANCES_PER_PARTITION - 1);
    found.push(...records.filter(({ status }) => status === 'Suspended').map(({ instanceId }) => instanceId));
  }
  return found.slice(0, wanted);
}
