import { quotaClassOf } from '../../drivers/contract/quota-class.ts';
import { requestedGb } from '../../model/disk.ts';
import { instanceId } from '../../model/identifiers.ts';
import type { WantedCreate } from '../../model/wanted-create.ts';
import { choiceFor } from '../../platform/placement/choose-type.ts';
import { groupAt } from '../../platform/placement/lay-out.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import { claimMsOf, type WorkerContext } from '../../platform/worker/context.ts';
import type { Attempt } from '../launch-queue/attempt.ts';
import { untriedLocations } from './attempt-elsewhere.ts';
import { mayTakeSeat } from './on-demand-seats.ts';
import { nextTypeStep } from './types.ts';
import { choiceAmong, nextZoneStep, onlyZone, zonesAt } from './zones.ts';

const NO_CAPACITY = { code: 'InsufficientCapacity', message: '' };

/**
 * Describes an attempt for the governor.
 *
 * @param machines maximum number of machines in one call of the driver; 1: each machine has a call of its own
 */
export async function wantedCreate(
  context: WorkerContext,
  { message, record, again }: Attempt,
  machines = 1,
): Promise<WantedCreate> {
  const { fleetId, index, round, waitsSinceMs } = message;
  const at = groupAt((await context.layout(fleetId)).placements, index);
  if (!at) throw new RangeError(`fleet ${fleetId} has no position ${index}`);
  const { group } = at;
  const diskGb = requestedGb(group);
  const { location } = message;
  // An attempt that follows another one at the location has the type and the market in the record.
  const goesOn = again || (record?.status === 'Planned' && record.round === round);
  const present = goesOn && record?.location === location ? record : undefined;
  const { type, market } = choiceFor(group, location, present ?? {});
  const quotaClass = quotaClassOf(context.driver, type.name);
  const here = { ...present, location, instanceType: type.name, market };
  const skipped = (await mayTakeSeat(context, fleetId, group, market)) ? [] : (['on-demand'] as const);
  const nextStep = nextTypeStep(group, here, NO_CAPACITY, skipped);
  const tried = record?.round === round ? record.tried : [];
  return {
    instanceId: instanceId({ fleetId, index }),
    fleetId,
    round,
    instanceType: type.name,
    market,
    ...(market === 'reserved' ? { reservationId: group.reservationId } : {}),
    ...(await zoneOf(context, { message, again, ...(record ? { record } : {}) }, at)),
    vcpus: type.vcpus,
    gpus: type.gpus,
    memoryGb: type.memoryGb,
    ...(diskGb === undefined ? {} : { diskGb }),
    ...(quotaClass === undefined ? {} : { quotaClass }),
    ...(hasFreedQuota(record, message) ? { hasFreed: true } : {}),
    mayGoElsewhere: untriedLocations(group, location, tried, index).length > 0,
    ...(nextStep ? { mayChangeType: true } : {}),
    ...(waitsSinceMs === undefined ? {} : { waitsSinceMs }),
    ...calledBefore(context, { record, again, location }),
    ...sharedCall(
      machines,
      [fleetId, group.name, type.name, market, (again ? record?.round : undefined) ?? round],
      record,
    ),
  };
}

/**
 * Returns what lets an attempt share a create call with others. Instances of one node group with the same type, market,
 * round and zone have the same create request, apart from their ids.
 */
function sharedCall(
  machines: number,
  parts: readonly (string | number)[],
  record: InstanceItem | undefined,
): Pick<WantedCreate, 'call'> {
  if (machines < 2) return {};
  const most = Math.min(record?.callLimit ?? machines, machines);
  return { call: { key: parts.join(' '), most: Math.max(1, most) } };
}

/** Returns true if an earlier machine of the launch exceeded a quota at the location, and has been removed. */
function hasFreedQuota(
  record: InstanceItem | undefined,
  { round, location }: Pick<Attempt['message'], 'round' | 'location'>,
): boolean {
  return record?.round === round && record.location === location && (record.quotaTries ?? 0) > 0;
}

type ZoneFields = Pick<WantedCreate, 'zone' | 'zoneChoice' | 'mayChangeZone'>;

/**
 * Returns what is known of the zone of an attempt. A repeated call has the zone of the first one: a cloud
 * refuses a launch token that comes with other parameters. For a new attempt, the governor chooses the zone.
 */
async function zoneOf(
  context: WorkerContext,
  { message, record, again }: Pick<Attempt, 'message' | 'record' | 'again'>,
  at: NonNullable<ReturnType<typeof groupAt>>,
): Promise<ZoneFields> {
  const { fleetId, index, location, round } = message;
  const zones = await zonesAt(context, fleetId, message, round, at.group);
  const only = onlyZone(at.group, location);
  const pinned: ZoneFields = only === undefined ? {} : { zone: only };
  if (!zones) return pinned;
  if (again && record) {
    const isLeft = nextZoneStep(record, NO_CAPACITY, zones) !== undefined;
    return { ...(record.zone === undefined ? {} : { zone: record.zone }), mayChangeZone: isLeft };
  }
  const isHere = record?.round === round && record.location === location;
  const zoneChoice = choiceAmong(zones, isHere ? record.triedZones : [], at, { fleetId, index, location });
  return zoneChoice ? { zoneChoice } : pinned;
}

/** Returns the time of the launch's earlier create call at the location, whose permit is used up. */
function calledBefore(
  context: WorkerContext,
  { record, again, location }: { record: InstanceItem | undefined; again: boolean; location: string },
): Pick<WantedCreate, 'calledAtMs'> {
  if (!record || record.location !== location) return {};
  if (again) return { calledAtMs: record.claimUntilMs - claimMsOf(context) };
  return record.status === 'Planned' && record.calledAtMs !== undefined
    ? { calledAtMs: record.calledAtMs }
    : {};
}
