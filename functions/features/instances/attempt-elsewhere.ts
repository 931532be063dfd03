import { DRIVER_ERROR_CODES, type DriverErrorCode } from '../../drivers/contract/errors.ts';
import type { Failure } from '../../model/failure.ts';
import type { NodeGroup } from '../../model/fleet.ts';
import { SPOT_INTERRUPTED } from '../../model/lost-machine.ts';
import type { Market } from '../../model/market.ts';
import { groupAt, siteOf } from '../../platform/placement/lay-out.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import { moveInstance, type NextAttempt, repeatInstance } from '../../platform/store/move.ts';
import { claimMsOf, type WorkerContext } from '../../platform/worker/context.ts';
import type { LaunchMessage } from '../../platform/workflow/messages.ts';
import { freeSlots } from '../launch-queue/free-slots.ts';
import type { SendLaunch } from '../launch-queue/send-together.ts';
import { attemptsAfter } from '../ownership/attempts.ts';
import { seatsAreTaken } from './on-demand-seats.ts';
import { concernsMarket, concernsType, hasMovedOn, nextTypeStep } from './types.ts';
import { nextZoneStep, zonesAt } from './zones.ts';

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
 * drivers' error codes. Of Fleetwright's own codes, these depend on the location: CloudFailed, for example of a
 * machine that broke before it ran, and the code of a spot machine that was taken back.
 */
const OF_THE_LOCATION: ReadonlySet<string> = new Set([
  ...DRIVER_ERROR_CODES.filter((code) => IS_OF_THE_LOCATION[code]),
  'CloudFailed',
  SPOT_INTERRUPTED,
]);

/**
 * Returns true if an attempt at another location may succeed. Another location begins with the first type and market
 * again.
 */
async function mayDoBetterElsewhere(
  context: WorkerContext,
  record: InstanceItem,
  failure: Failure,
): Promise<boolean> {
  const { code, scope } = failure;
  if (OF_THE_LOCATION.has(code) || scope === 'zone' || scope === 'site' || concernsMarket(failure))
    return true;
  const group = await groupOf(context, record);
  return group !== undefined && hasMovedOn(group, record) && concernsType(failure);
}

/**
 * Prepares the next attempt of an instance whose attempt ended without a machine, and sends its launch message. The
 * next attempt is in an untried zone of the location if the failure concerns the zone. It is here again if the
 * instance's own machine exceeded a quota and is gone by now. It has the node group's next instance type or market if the
 * failure concerns these. Otherwise it is at an untried location of the node group.
 *
 * A launch that only left in favour of another attempt (`wouldWait`) waits here if no such attempt is possible. Its record
 * then names the locations that did not take it, so that it does not leave for them again.
 *
 * @param send sends the message of a launch that follows at the same location
 * @returns undefined if another attempt follows, or if another worker has changed the record; `stopped` if the launch
 *   would wait here, and launching is not on; otherwise the permanent failure, because no other attempt is possible or
 *   would help
 */
export async function attemptElsewhere(
  context: WorkerContext,
  record: InstanceItem,
  failure: Failure,
  send: SendLaunch = sendNow(context),
): Promise<Failure | 'stopped' | undefined> {
  if (record.deadlineAtMs <= context.store.clock.now()) return failure;
  const here = await attemptHere(context, record, failure, send);
  if (here === 'follows') return undefined;
  const last = here === 'no-seat' ? await seatsAreTaken(context, record, failure) : failure;
  if (!(await mayDoBetterElsewhere(context, record, failure))) return last;
  const barred: string[] = [];
  for (const location of await untried(context, record)) {
    const attempts = attemptsAfter(record, context.store.clock.now());
    const outcome = await moveInstance(context.store, record, location, attempts);
    if (outcome === 'barred') {
      barred.push(location);
      continue;
    }
    context.log.info('an instance moves to another location', {
      instanceId: record.instanceId,
      location,
      code: failure.code,
    });
    if (outcome === 'moved') await launchElsewhere(context, record, location);
    return undefined;
  }
  if (failure.wouldWait !== true) return last;
  // The gate of each other location has closed, or another instance has taken the seat on demand. Now the launch asks the
  // cloud itself.
  const { triedZones, callLimit } = record;
  const tried = [...record.tried, ...barred];
  const same = await attemptAgainHere(context, record, { triedZones, callLimit, tried }, failure);
  if (same === 'follows') return undefined;
  return same === 'barred' ? 'stopped' : last;
}

/**
 * Prepares the next attempt at the same location.
 *
 * @returns `no-seat`: there is none, and one on demand was not possible, because the node group may not have another
 *   on-demand instance
 */
async function attemptHere(
  context: WorkerContext,
  record: InstanceItem,
  failure: Failure,
  send: SendLaunch,
): Promise<'follows' | 'none' | 'no-seat'> {
  const next = await nextHere(context, record, failure);
  const outcome = next ? await attemptAgainHere(context, record, next, failure, send) : 'barred';
  if (outcome !== 'no-seat') return outcome === 'barred' ? 'none' : 'follows';
  const without = await nextHere(context, record, failure, ['on-demand']);
  if (!without) return 'no-seat';
  return (await attemptAgainHere(context, record, without, failure, send)) === 'follows' ? 'follows' : 'none';
}

/**
 * Returns the next attempt at the same location; undefined if none would help.
 *
 * @param skipped markets in which the instance may not be launched
 */
async function nextHere(
  context: WorkerContext,
  record: InstanceItem,
  failure: Failure,
  skipped: readonly Market[] = [],
): Promise<NextAttempt | undefined> {
  const group = await groupOf(context, record);
  if (!group) return undefined;
  return (
    nextZoneStep(record, failure, await zonesOf(context, record)) ??
    nextQuotaStep(record, failure) ??
    nextTypeStep(group, record, failure, skipped)
  );
}

/**
 * Prepares the next attempt of an instance at the same location, and sends its launch message. The instance
 * keeps its slot, because slots belong to the location. If the worker crashes before it has sent the message,
 * a later poll finds the slot and sends the message.
 *
 * @returns `follows`: another attempt follows, or another worker has changed the record; `barred`: launching is not on at
 *   the location; `no-seat`: as `repeatInstance`
 */
export async function attemptAgainHere(
  context: WorkerContext,
  record: InstanceItem,
  next: NextAttempt,
  { code }: Failure,
  send: SendLaunch = sendNow(context),
): Promise<'follows' | 'barred' | 'no-seat'> {
  const attempts = attemptsAfter(record, context.store.clock.now());
  const calledAtMs = record.claimUntilMs - claimMsOf(context);
  const outcome = await repeatInstance(context.store, record, { ...next, calledAtMs }, attempts);
  if (outcome === 'barred' || outcome === 'no-seat') return outcome;
  context.log.info('another attempt of an instance follows at the same location', {
    instanceId: record.instanceId,
    zone: record.zone,
    instanceType: next.instanceType ?? record.instanceType,
    market: next.market ?? record.market,
    code,
  });
  if (outcome === 'moved') await send(launchAt(record, record.location));
  return 'follows';
}

/**
 * Maximum number of attempts of an instance at one location whose machines may exceed a quota after the cloud has
 * accepted them.
 */
const MOST_QUOTA_TRIES = 3;

/**
 * Returns the next step of an instance whose machine exceeded a quota after the cloud had accepted it. Launches that
 * the cloud accepts at the same time may all exceed a quota that has room for some of them. When their machines are
 * gone, the cloud has room again. Pure.
 *
 * @returns undefined if the cloud refused the call itself, or after too many such machines
 */
function nextQuotaStep(
  { exceededQuota, quotaTries = 0, triedZones, callLimit }: InstanceItem,
  { code }: Failure,
): NextAttempt | undefined {
  if (code !== 'QuotaExceeded' || exceededQuota === undefined || quotaTries + 1 >= MOST_QUOTA_TRIES)
    return undefined;
  return { triedZones, callLimit, quotaTries: quotaTries + 1 };
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

/** Returns true if another attempt may follow this failure: in another zone or market, with another type, here, or elsewhere. */
export async function hasElsewhere(
  context: WorkerContext,
  record: InstanceItem,
  failure: Failure | undefined,
): Promise<boolean> {
  if (!failure) return false;
  if (await nextHere(context, record, failure)) return true;
  if (!(await mayDoBetterElsewhere(context, record, failure))) return false;
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
  record: InstanceItem,
  location: string,
): Promise<void> {
  await context.send(launchAt(record, location), 0);
}

function launchAt({ fleetId, index, round, connectionKey }: InstanceItem, location: string): LaunchMessage {
  return { kind: 'launch', fleetId, index, round, connectionKey, location };
}

const sendNow =
  (context: WorkerContext): SendLaunch =>
  (message) =>
    context.send(message, 0);

async function groupOf(
  context: WorkerContext,
  { fleetId, index }: InstanceItem,
): Promise<NodeGroup | undefined> {
  return groupAt((await context.layout(fleetId)).placements, index)?.group;
}

async function zonesOf(context: WorkerContext, record: InstanceItem): Promise<string[] | undefined> {
  const group = await groupOf(context, record);
  return group && (await zonesAt(context, record.fleetId, siteOf(record), record.round, group));
}

async function untried(context: WorkerContext, record: InstanceItem): Promise<string[]> {
  const group = await groupOf(context, record);
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
