import { DEFAULT_INSTANCE_TIMEOUT_SECONDS } from '../../model/fleet-request.ts';
import { instanceId, launchToken } from '../../model/identifiers.ts';
import { choiceFor, priceOf, type Recorded } from '../../platform/placement/choose-type.ts';
import { groupAt } from '../../platform/placement/lay-out.ts';
import { microUsdPerHourOf } from '../../platform/placement/machine-price.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import { claimMsOf, type WorkerContext } from '../../platform/worker/context.ts';
import type { LaunchMessage } from '../../platform/workflow/messages.ts';
import { type Attempt, claimedBy } from '../launch-queue/attempt.ts';
import { attemptsAfter } from '../ownership/attempts.ts';
import { applyChanges } from './outcomes.ts';
import { onlyZone } from './zones.ts';

/**
 * Claims new attempts: writes their records before any call to the cloud.
 *
 * @param keys idempotency keys of the upcoming calls, by instance id; empty if the cloud has no idempotency
 *   keys
 * @returns the records that were written, and the attempts that the launch gate stopped, because their fleet
 *   no longer launches at the site
 */
export async function claimInstances(
  context: WorkerContext,
  attempts: readonly Attempt[],
  keys: ReadonlyMap<string, string> = new Map(),
): Promise<{ won: InstanceItem[]; stopped: Attempt[] }> {
  const won: InstanceItem[] = [];
  const stopped: Attempt[] = [];
  const byRound = Map.groupBy(attempts, ({ message }) => `${message.fleetId} ${message.round}`);
  for (const ofFleet of byRound.values()) {
    const claims = await Promise.all(
      ofFleet.map(async (attempt) => {
        const record = await newRecord(context, attempt);
        const key = keys.get(record.instanceId);
        return { attempt, record: key === undefined ? record : { ...record, idempotencyKeys: [key] } };
      }),
    );
    const result = await applyChanges(
      context,
      claims.map(({ attempt, record }) => ({
        kind: 'claim',
        record,
        ...(attempt.record ? { replaces: attempt.record } : {}),
      })),
    );
    const applied = new Set(result.applied);
    for (const { attempt, record } of claims) {
      if (applied.has(record.instanceId)) won.push(record);
      else if (result.stoppedByGate) stopped.push(attempt);
    }
  }
  return { won, stopped };
}

/**
 * Returns the record of a new attempt. The first attempt of a round starts the instance's time limit and may
 * try every location. Later attempts of that round keep the time limit and the lists of what was tried.
 */
export async function newRecord(
  context: WorkerContext,
  { message, record, delivery, zone }: Attempt,
): Promise<InstanceItem> {
  const goesOn = isNextAttempt(record, message);
  const isHere = goesOn && record.location === message.location;
  const first = await firstRecord(context, message, isHere ? record : {});
  const attempt = record ? record.attempt + 1 : 1;
  return {
    ...first,
    attempt,
    launchToken: launchToken(first.instanceId, attempt),
    ...(record ? { earlierAttempts: attemptsAfter(record, context.store.clock.now()) } : {}),
    claimedBy: claimedBy(delivery),
    ...(zone === undefined ? {} : { zone }),
    ...(goesOn ? keptFrom(record, message) : {}),
  };
}

/** Returns true if the record waits for an attempt that follows an earlier one of the message's round. */
export function isNextAttempt(
  record: InstanceItem | undefined,
  { round }: Pick<LaunchMessage, 'round'>,
): record is InstanceItem {
  return record?.status === 'Planned' && record.round === round && record.attempt > 0;
}

/** Returns what a later attempt of a round keeps of the record. What was tried in zones is about one location. */
function keptFrom(record: InstanceItem, { location }: Pick<LaunchMessage, 'location'>) {
  const { tried, deadlineAtMs, launchedAt, triedZones, triedTypes, callLimit, usedTokens, quotaTries } =
    record;
  const isHere = record.location === location;
  return {
    tried,
    deadlineAtMs,
    launchedAt,
    ...(isHere ? { triedZones } : {}),
    ...(isHere && triedTypes !== undefined ? { triedTypes } : {}),
    ...(isHere && callLimit !== undefined ? { callLimit } : {}),
    ...(isHere && quotaTries !== undefined ? { quotaTries } : {}),
    ...(usedTokens === undefined ? {} : { usedTokens }),
  };
}

/** An instance's number in its fleet (its position), the site where it is launched, and the round. */
export type Position = Pick<LaunchMessage, 'fleetId' | 'index' | 'connectionKey' | 'location' | 'round'>;

/**
 * Returns the record that the first claim of an instance writes.
 *
 * @param recorded the type and the market of the attempt. Absent: the first that the location offers
 */
export async function firstRecord(
  context: WorkerContext,
  { fleetId, index, connectionKey, location, round }: Position,
  recorded: Recorded & Pick<InstanceItem, 'onDemandSeats'> = {},
): Promise<InstanceItem> {
  const layout = await context.layout(fleetId);
  const at = groupAt(layout.placements, index);
  if (!at) throw new RangeError(`fleet ${fleetId} has no position ${index}`);
  const { group } = at;
  const choice = choiceFor(group, location, recorded);
  const { type, market } = choice;
  const usdPerHour = priceOf(choice, location);
  const nowMs = context.store.clock.now();
  const id = instanceId({ fleetId, index });
  return {
    instanceId: id,
    fleetId,
    index,
    namespace: layout.namespace,
    nodeGroup: group.name,
    connectionKey,
    location,
    status: 'Creating',
    round,
    attempt: 1,
    tried: [],
    triedZones: [],
    launchToken: launchToken(id, 1),
    launchState: 'claimed',
    claimUntilMs: nowMs + claimMsOf(context),
    refusals: 0,
    firstSentAtMs: nowMs,
    deadlineAtMs: nowMs + (group.instanceTimeoutSeconds ?? DEFAULT_INSTANCE_TIMEOUT_SECONDS) * 1_000,
    zone: onlyZone(group, location),
    instanceType: type.name,
    market,
    // A record takes its seat when its market is chosen. A claim only keeps the seat.
    ...(recorded.onDemandSeats === undefined ? {} : { onDemandSeats: recorded.onDemandSeats }),
    launchedAt: new Date(nowMs).toISOString(),
    microUsdPerHour: microUsdPerHourOf(group, location, usdPerHour),
    ...(usdPerHour === undefined ? { isUnpriced: true } : {}),
  };
}
