import type { RecordedMachines } from '../../drivers/contract/driver.ts';
import { parseInstanceId } from '../../model/identifiers.ts';
import { isClosed } from '../../model/status.ts';
import { type InstanceItem, readInstanceRange, readInstances } from '../../platform/store/instances.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';
import { attemptsOf } from '../ownership/attempts.ts';

/**
 * Tells the driver which machines of a fleet are gone by the fleet's records. The records are read when the driver
 * first asks, which it does only if something unexpected is in a network.
 */
export function recordedMachines(context: WorkerContext, fleetId: string): RecordedMachines {
  let reading: Promise<ReadonlySet<string>> | undefined;
  return {
    isGone: async (backendId) => {
      reading ??= goneMachines(context, fleetId);
      return (await reading).has(backendId);
    },
  };
}

async function goneMachines(context: WorkerContext, fleetId: string): Promise<ReadonlySet<string>> {
  const { placements } = await context.layout(fleetId);
  const size = placements.reduce((sum, { count }) => sum + count, 0);
  const records = size > 0 ? await readInstanceRange(context.store, fleetId, 0, size - 1) : [];
  return new Set(records.flatMap(goneOf));
}

/** Returns the machines of a record's attempts, without the machine that the record still claims. */
function goneOf(record: InstanceItem): string[] {
  const all = attemptsOf(record).flatMap(({ backendId }) => backendId ?? []);
  if (isClosed(record.status)) return [...all, ...(record.backendId === undefined ? [] : [record.backendId])];
  return all.filter((backendId) => backendId !== record.backendId);
}

/**
 * Tells the driver which machines of any fleet are gone by the fleets' records. The driver has to name the instance. A
 * shared network may contain what a machine of any fleet has left.
 */
export function recordedMachinesOfAll({ store }: WorkerContext): RecordedMachines {
  return {
    isGone: async (backendId, instanceId) => {
      const ref = parseInstanceId(instanceId ?? '');
      if (!ref) return false;
      const record = (await readInstances(store, [ref])).get(instanceId ?? '');
      return record !== undefined && goneOf(record).includes(backendId);
    },
  };
}
