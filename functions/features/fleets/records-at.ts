import { type InstanceItem, readInstanceRange } from '../../platform/store/instances.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';

/** Reads the records of a fleet's instances at a connection. An instance never moves to another connection. */
export async function readRecordsAt(
  { store, layout }: WorkerContext,
  fleetId: string,
  connectionKey: string,
): Promise<InstanceItem[]> {
  const { placements } = await layout(fleetId);
  const records: InstanceItem[] = [];
  for (const { first, count, ...site } of placements) {
    if (site.connectionKey !== connectionKey || count === 0) continue;
    records.push(...(await readInstanceRange(store, fleetId, first, first + count - 1)));
  }
  return records;
}
