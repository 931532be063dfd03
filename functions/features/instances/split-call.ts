import { type DriverError, failureOf } from '../../drivers/contract/errors.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import { updateInstance } from '../../platform/store/transition.ts';
import { requeueAfter, type WorkerContext } from '../../platform/worker/context.ts';
import { hasOtherZone } from './attempt-elsewhere.ts';
import type { Outcome } from './failure-handling.ts';

/**
 * Lets a smaller create call follow when the cloud refused a call for several machines, for lack of capacity or
 * quota. The cloud may have room for some of the machines. Each launch of the call then asks for another permit,
 * and its next call is for at most half as many machines.
 *
 * @param machines number of machines that the call asked for
 * @returns undefined if the refusal holds for a smaller call as well (`holdsForOne`), or another zone is tried first
 */
export async function splitCall(
  context: WorkerContext,
  record: InstanceItem,
  error: DriverError,
  machines: number,
): Promise<Outcome | undefined> {
  const isOfNumber = error.code === 'InsufficientCapacity' || error.code === 'QuotaExceeded';
  if (machines < 2 || !isOfNumber || error.holdsForOne) return undefined;
  if (await hasOtherZone(context, record, { ...failureOf(error), machines })) return undefined;
  await updateInstance(context.store, record, {
    launchState: 'refused',
    callLimit: Math.floor(machines / 2),
  });
  return { result: requeueAfter(0) };
}
