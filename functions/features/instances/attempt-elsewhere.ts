import { DRIVER_ERROR_CODES, type DriverErrorCode } from '../../drivers/contract/errors.ts';
import type { Failure } from '../../model/failure.ts';
import type { NodeGroup } from '../../model/fleet.ts';
import { groupAt, siteOf } from '../../platform/placement/lay-out.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import { moveInstance, repeatInstance } from '../../platform/store/move.ts';
import { claimMsOf, type WorkerContext } from '../../platform/worker/context.ts';
import { freeSlots } from '../launch-queue/free-slots.ts';
import { attemptsAfter } from '../ownership/attempts.ts';
import { nextZoneStep, type ZoneStep, zonesAt } from './zones.ts';

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

function mayDoBetterElsewhere({ code, scope }: Failure): boolean {
  return OF_THE_LOCATION.has(code) || scope === 'zone' || scope === 'site';
}

/**
 * If an attempt ended without a machine, prepares the next one: in another zone of the location if the failure
 * concerns the zone and a zone is left, otherwise at another location of the node group. Sends the launch
 * message there. Chooses a location that the instance has not tried.
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
  const step = nextZoneStep(record, failure, await zonesOf(context, record));
  if (step && (await attemptAgainHere(context, record, step, failure))) return true;
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

/**
 * Prepares the next attempt of an instance at the same location, and sends its launch message. The instance
 * keeps its slot, because slots belong to the location. If the worker crashes before it has sent the message,
 * a later poll finds the slot and sends the message.
 *
 * @returns true if another attempt follows, or another worker has changed the record; false if launching is
 *   not on at the location
 */
export async function attemptAgainHere(
  context: WorkerContext,
  record: InstanceItem,
  next: ZoneStep & Pick<InstanceItem, 'usedTokens'>,
  { code }: Failure,
): Promise<boolean> {
  const attempts = attemptsAfter(record, context.store.clock.now());
  const calledAtMs = record.claimUntilMs - claimMsOf(context);
  const outcome = await repeatInstance(context.store, record, { ...next, calledAtMs }, attempts);
  if (outcome === 'barred') return false;
  context.log.info('another attempt of an instance follows at the same location', {
    instanceId: record.instanceId,
    zone: record.zone,
    code,
  });
  if (outcome === 'moved') await sendLaunch(context, record, record.location);
  return true;
}

/** Returns true if an attempt in a zone that the instance has not tried may follow this failure. */
export async function hasOtherZone(
  context: WorkerContext,
  record: InstanceItem,
  failure: Failure,
): Promise<boolean> {
  const zones = await zonesOf(context, record);
  const isNew = (zone: string) => zone !== record.zone && !record.triedZones.some((one) => one.zone === zone);
  return nextZoneStep(record, failure, zones) !== undefined && zones?.some(isNew) === true;
}

/** Returns true if an attempt in another zone or at another location may follow this failure. */
export async function hasElsewhere(
  context: WorkerContext,
  record: InstanceItem,
  failure: Failure | undefined,
): Promise<boolean> {
  if (!failure || !mayDoBetterElsewhere(failure)) return false;
  if (nextZoneStep(record, failure, await zonesOf(context, record))) return true;
  return (await untried(context, record)).length > 0;
}

/**
 * Sends the launch message of an instance that has moved, then gives back its slot at the old site. If the
 * worker crashes in between, a later poll of the old site finds the slot and repeats both steps.
 */
export async function launchElsewhere(
  context: WorkerContext,
  record: InstanceItem,
  location: string,
): Promise<void> {
  await sendLaunch(context, record, location);
  await freeSlots(context, siteOf(record), [{ instanceId: record.instanceId }]);
}

/** Sends the launch message of an instance that waits for its next attempt. */
export async function sendLaunch(
  context: WorkerContext,
  { fleetId, index, round, connectionKey, taskToken }: InstanceItem,
  location: string,
): Promise<void> {
  if (taskToken === undefined) return;
  await context.send({ kind: 'launch', fleetId, index, round, connectionKey, location, taskToken }, 0);
}

async function zonesOf(context: WorkerContext, record: InstanceItem): Promise<string[] | undefined> {
  const layout = await context.layout(record.fleetId);
  const group = groupAt(layout.placements, record.index)?.group;
  return group && (await zonesAt(context, record.fleetId, siteOf(record), record.round, group));
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
