import { DRIVER_ERROR_CODES, type DriverErrorCode } from '../../drivers/contract/errors.ts';
import type { Failure } from '../../model/failure.ts';
import type { NodeGroup } from '../../model/fleet.ts';
import { groupAt } from '../../platform/placement/lay-out.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import { moveInstance } from '../../platform/store/move.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';
import { freeSlots } from '../launch-queue/free-slots.ts';
import { attemptsAfter } from '../ownership/attempts.ts';

/** True for each error code that depends on the location: an attempt at another location may succeed. */
const IS_OF_THE_LOCATION: Readonly<Record<DriverErrorCode, boolean>> = {
  InsufficientCapacity: true,
  QuotaExceeded: true,
  Throttled: false,
  Unavailable: true,
  OutcomeUnknown: false,
  NotFound: false,
  Conflict: true,
  InvalidRequest: false,
  Unsupported: false,
  Unauthorized: false,
  Forbidden: true,
  NoPermit: false,
};
/**
 * Failure codes that depend on the location. Fleetwright has failure codes of its own in addition to the
 * drivers' error codes. Of Fleetwright's own codes, only CloudFailed depends on the location. For example, a
 * machine that broke before it ran gets this code.
 */
const OF_THE_LOCATION: ReadonlySet<string> = new Set([
  ...DRIVER_ERROR_CODES.filter((code) => IS_OF_THE_LOCATION[code]),
  'CloudFailed',
]);

function mayDoBetterElsewhere({ code }: Failure): boolean {
  return OF_THE_LOCATION.has(code);
}

/**
 * If an attempt ended without a machine, moves the instance to another location of its node group, and sends
 * the launch message there. Chooses a location that the instance has not tried.
 *
 * @returns true if the instance has moved, or if another worker has changed the record; false if the failure
 *   is permanent, because an attempt at another location is not possible or would not help
 */
export async function attemptElsewhere(
  context: WorkerContext,
  record: InstanceItem,
  failure: Failure,
): Promise<boolean> {
  if (!mayDoBetterElsewhere(failure) || record.deadlineAtMs <= context.store.clock.now()) return false;
  for (const location of await untried(context, record)) {
    const attempts = attemptsAfter(record, context.store.clock.now());
    const outcome = await moveInstance(context.store, record, location, attempts);
    if (outcome === 'barred') continue;
    context.log.info('an instance moves to another location', {
      instanceId: record.instanceId,
      location,
      code: failure.code,
    });
    if (outcome === 'moved') await launchElsewhere(context, record, location);
    return true;
  }
  return false;
}

/** Returns true if an attempt at another location may follow this failure. */
export async function hasElsewhere(
  context: WorkerContext,
  record: InstanceItem,
  failure: Failure | undefined,
): Promise<boolean> {
  if (!failure || !mayDoBetterElsewhere(failure)) return false;
  return (await untried(context, record)).length > 0;
}

/**
 * Sends the launch message of an instance that has moved, then gives back its slot at the old site. If the
 * worker crashes in between, a later poll of the old site finds the slot and repeats both steps.
 */
export async function launchElsewhere(
  context: WorkerContext,
  { instanceId, fleetId, index, round, connectionKey, taskToken, location: from }: InstanceItem,
  location: string,
): Promise<void> {
  if (taskToken !== undefined) {
    await context.send({ kind: 'launch', fleetId, index, round, connectionKey, location, taskToken }, 0);
  }
  await freeSlots(context, { connectionKey, location: from }, [{ instanceId }]);
}

async function untried(context: WorkerContext, record: InstanceItem): Promise<string[]> {
  const layout = await context.layout(record.fleetId);
  const group = groupAt(layout.placements, record.index)?.group;
  return group ? untriedLocations(group, record.location, record.tried, record.index) : [];
}

/**
 * Returns the node group's locations that the instance has not tried. The instance's `index` decides which
 * location comes first. Instances that fail together are thus spread over the locations.
 */
export function untriedLocations(
  { locations }: Pick<NodeGroup, 'locations'>,
  here: string,
  tried: readonly string[],
  index: number,
): string[] {
  const left = locations.filter((one) => one !== here && !tried.includes(one));
  const start = left.length === 0 ? 0 : index % left.length;
  return [...left.slice(start), ...left.slice(0, start)];
}
