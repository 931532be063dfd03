import { instanceId, launchToken } from '../model/identifiers.ts';
import { attemptsAfter } from '../ownership/attempts.ts';
import { groupAt } from '../placement/lay-out.ts';
import type { InstanceItem } from '../store/instances.ts';
import { claimMsOf, type PlaceRef, type WorkerContext } from '../worker/context.ts';
import { type Attempt, claimedBy } from './attempt.ts';
import { applyChanges } from './finish.ts';

const DEFAULT_INSTANCE_TIMEOUT_SECONDS = 1_200;

/**
 * The intent: records that stand before any cloud call.
 *
 * @param keys by instance id: the idempotency keys of the calls that are to be made, where the cloud keeps them
 * @returns the records that were written, and the attempts that a gate which is not open kept from it
 */
export async function claimInstances(
  context: WorkerContext,
  place: PlaceRef,
  attempts: readonly Attempt[],
  keys: ReadonlyMap<string, string> = new Map(),
): Promise<{ won: InstanceItem[]; fenced: Attempt[] }> {
  const won: InstanceItem[] = [];
  const fenced: Attempt[] = [];
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
      place,
      claims.map(({ attempt, record }) => ({
        kind: 'claim',
        record,
        ...(attempt.record ? { replaces: attempt.record } : {}),
      })),
    );
    const applied = new Set(result.applied);
    for (const { attempt, record } of claims) {
      if (applied.has(record.instanceId)) won.push(record);
      else if (result.gateClosed) fenced.push(attempt);
    }
  }
  return { won, fenced };
}

/** The first attempt of a round begins its time limit and may go anywhere; a later one goes on with both. */
export async function newRecord(
  context: WorkerContext,
  { message, record, delivery }: Attempt,
): Promise<InstanceItem> {
  const { fleetId, index, connectionKey, location, taskToken, round } = message;
  const layout = await context.layout(fleetId);
  const at = groupAt(layout.placements, index);
  if (!at) throw new RangeError(`fleet ${fleetId} has no position ${index}`);
  const { group } = at;
  const nowMs = context.store.clock.now();
  const id = instanceId({ fleetId, index });
  const attempt = record ? record.attempt + 1 : 1;
  const goesOn = record?.status === 'Planned' && record.round === round;
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
    attempt,
    tried: goesOn ? record.tried : [],
    launchToken: launchToken(id, attempt),
    launchState: 'claimed',
    claimUntilMs: nowMs + claimMsOf(context),
    claimedBy: claimedBy(delivery),
    refusals: 0,
    firstSentAtMs: nowMs,
    ...(record ? { earlierAttempts: attemptsAfter(record, nowMs) } : {}),
    deadlineAtMs: goesOn
      ? record.deadlineAtMs
      : nowMs + (group.instanceTimeoutSeconds ?? DEFAULT_INSTANCE_TIMEOUT_SECONDS) * 1_000,
    taskToken,
    zone: group.zone,
    launchedAt: goesOn ? record.launchedAt : new Date(nowMs).toISOString(),
    microUsdPerHour: Math.round((group.pricesUsdPerHour[location] ?? 0) * 1e6),
  };
}
