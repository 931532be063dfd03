import { instanceId } from '../../model/identifiers.ts';
import type { WantedCreate } from '../../model/wanted-create.ts';
import { groupAt } from '../../platform/placement/lay-out.ts';
import { claimMsOf, type WorkerContext } from '../../platform/worker/context.ts';
import type { Attempt } from '../launch-queue/attempt.ts';
import { untriedLocations } from './attempt-elsewhere.ts';

/** Describes an attempt for the governor. */
export async function wantedCreate(
  context: WorkerContext,
  { message, record, again }: Attempt,
): Promise<WantedCreate> {
  const { fleetId, index, round, waitsSinceMs } = message;
  const group = groupAt((await context.layout(fleetId)).placements, index)?.group;
  if (!group) throw new RangeError(`fleet ${fleetId} has no position ${index}`);
  const tried = record?.round === round ? record.tried : [];
  return {
    instanceId: instanceId({ fleetId, index }),
    fleetId,
    round,
    instanceType: group.instanceType,
    ...(group.zone === undefined ? {} : { zone: group.zone }),
    vcpus: group.vcpus ?? 0,
    gpus: group.gpus ?? 0,
    memoryGb: group.memoryGb ?? 0,
    mayGoElsewhere: untriedLocations(group, message.location, tried, index).length > 0,
    ...(waitsSinceMs === undefined ? {} : { waitsSinceMs }),
    ...(again && record ? { calledAtMs: record.claimUntilMs - claimMsOf(context) } : {}),
  };
}
