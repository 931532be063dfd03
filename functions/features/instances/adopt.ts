import type { CloudInstance } from '../../drivers/contract/driver.ts';
import { isClosed } from '../../model/status.ts';
import { type InstanceItem, readInstances } from '../../platform/store/instances.ts';
import { updateInstance } from '../../platform/store/transition.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';

/**
 * Maximum time, in ms, that the call to remove a machine waits for its permit. If the call gets no permit,
 * the machine stays until a poll or a sweep finds it.
 */
const PERMIT_WAIT_MS = 5_000;

/** Returns true if the record is still at the attempt of this claim, and still needs a machine. */
function isWaiting(record: InstanceItem, claimed: InstanceItem): boolean {
  return record.attempt === claimed.attempt && record.status !== 'Planned' && !isClosed(record.status);
}

/**
 * Binds a machine to its record, which may have changed since the claim. If the record is closed, is at a
 * later attempt, or is bound to another machine, removes the machine immediately.
 *
 * @param machine a machine that this attempt created: the answer to the create call shows it, or
 *   `proveMachine` has proven it
 */
export async function adopt(
  context: WorkerContext,
  claimed: InstanceItem,
  machine: CloudInstance,
): Promise<void> {
  let record: InstanceItem | undefined = claimed;
  while (record && isWaiting(record, claimed)) {
    if (record.backendId === machine.backendId && record.launchState === 'accepted') return;
    if (record.backendId !== undefined && record.backendId !== machine.backendId) break;
    const fields = {
      launchState: 'accepted' as const,
      backendId: machine.backendId,
      acceptedAtMs: context.store.clock.now(),
      ...(machine.zone === undefined ? {} : { zone: machine.zone }),
    };
    if (await updateInstance(context.store, record, fields)) return;
    record = (await readInstances(context.store, [claimed])).get(claimed.instanceId);
  }
  context.log.warn('a machine that no record needs is being removed', {
    instanceId: claimed.instanceId,
    backendId: machine.backendId,
  });
  const { onTerms } = await context.open(claimed.connectionKey);
  const client = onTerms({ waitMs: PERMIT_WAIT_MS });
  await client.terminateInstance(claimed.location, machine.backendId, claimed.instanceId);
}
