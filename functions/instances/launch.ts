import { permitCreates } from '../governor/governor.ts';
import { type InstanceRef, instanceId, launchToken } from '../model/identifiers.ts';
import { groupAt } from '../placement/lay-out.ts';
import { type InstanceItem, readInstances } from '../store/instances.ts';
import { updateInstance } from '../store/transition.ts';
import {
  type Disposition,
  DONE,
  governed,
  type PlaceRef,
  type WorkerContext,
  waitFor,
} from '../worker/context.ts';
import type { LaunchMessage } from '../workflow/messages.ts';
import { createInstances } from './create.ts';
import { applyChanges, handOff } from './finish.ts';
import { lookUp } from './look-up.ts';
import { nextStep } from './next-step.ts';

/** How long a worker has a claim: longer than any create call may take, time-outs included. */
export const CLAIM_MS = 90_000;
const DEFAULT_INSTANCE_TIMEOUT_SECONDS = 1_200;

/**
 * Takes launch messages of one place a step further, together: their records, permits and claims cost one call
 * each for all of them. Returns as soon as the cloud has taken the requests.
 *
 * @returns for each message, whether it is done or when it should come back
 */
export async function launchInstances(
  context: WorkerContext,
  place: PlaceRef,
  messages: readonly LaunchMessage[],
): Promise<Disposition[]> {
  const records = await readInstances(context.store, messages);
  const nowMs = context.store.clock.now();
  const dispositions = new Map<string, Disposition>();
  const toClaim: LaunchMessage[] = [];
  const toCreate: { record: InstanceItem; message: LaunchMessage }[] = [];
  for (const message of new Map(messages.map((one) => [instanceId(one), one])).values()) {
    const id = instanceId(message);
    const next = nextStep(records.get(id), nowMs, context.driver.consistencyWindowMs);
    switch (next.step) {
      case 'claim':
        toClaim.push(message);
        break;
      case 'create':
        toCreate.push({ record: next.record, message });
        break;
      case 'look-up': {
        const answer = await lookUp(context, place, next.record, message.taskToken);
        if (answer.proven) toCreate.push({ record: answer.record, message });
        else dispositions.set(id, answer.disposition);
        break;
      }
      case 'hand-over':
        dispositions.set(id, await handOver(context, next.record, message));
        break;
      case 'wait':
        dispositions.set(id, waitFor(next.waitMs));
        break;
      case 'answer':
        await context.tasks.succeed(message.taskToken, { outcome: next.outcome });
        dispositions.set(id, DONE);
    }
  }
  const wanted = [...toClaim.map(instanceId), ...toCreate.map(({ record }) => record.instanceId)];
  if (wanted.length > 0) {
    const opened = await context.open(place.connectionKey);
    const permit = await permitCreates(context.store, governed(place, opened), wanted);
    const granted = new Set(permit.granted);
    for (const message of messages) {
      const id = instanceId(message);
      if (!wanted.includes(id) || granted.has(id)) continue;
      dispositions.set(id, waitFor(permit.retryAfterMs));
      await context.tasks.heartbeat(message.taskToken);
    }
    const claimed = await claim(
      context,
      place,
      toClaim.filter((message) => granted.has(instanceId(message))),
    );
    for (const record of claimed.fenced) dispositions.set(record.instanceId, DONE);
    const retaken = await retake(
      context,
      toCreate.filter(({ record }) => granted.has(record.instanceId)),
    );
    for (const [id, disposition] of await createInstances(context, place, [...claimed.won, ...retaken])) {
      dispositions.set(id, disposition);
    }
  }
  // Whoever lost a race for a claim comes back to see that the winner answers this token, too.
  return messages.map((message) => dispositions.get(instanceId(message)) ?? waitFor(1_000));
}

/** The intent: records that stand before any cloud call. Those of a fleet whose gate is closed are answered. */
async function claim(
  context: WorkerContext,
  place: PlaceRef,
  messages: readonly LaunchMessage[],
): Promise<{ won: InstanceItem[]; fenced: InstanceItem[] }> {
  const records = await Promise.all(messages.map((message) => newRecord(context, message)));
  const won: InstanceItem[] = [];
  const fenced: InstanceItem[] = [];
  for (const ofFleet of Map.groupBy(records, ({ fleetId }) => fleetId).values()) {
    const result = await applyChanges(
      context,
      place,
      ofFleet.map((record) => ({ kind: 'claim', record })),
    );
    const applied = new Set(result.applied);
    won.push(...ofFleet.filter((record) => applied.has(record.instanceId)));
    if (result.gateClosed) fenced.push(...ofFleet.filter((record) => !applied.has(record.instanceId)));
  }
  await handOff(
    context,
    place,
    fenced.map((record) => ({ ...record, status: 'Terminated' })),
  );
  return { won, fenced };
}

async function newRecord(context: WorkerContext, message: LaunchMessage): Promise<InstanceItem> {
  const { fleetId, index, connectionKey, location, taskToken } = message;
  const layout = await context.layout(fleetId);
  const at = groupAt(layout.placements, index);
  if (!at) throw new RangeError(`fleet ${fleetId} has no position ${index}`);
  const { group } = at;
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
    attempt: 1,
    launchToken: launchToken(id, 1),
    launchState: 'claimed',
    claimUntilMs: nowMs + CLAIM_MS,
    refusals: 0,
    deadlineAtMs: nowMs + (group.instanceTimeoutSeconds ?? DEFAULT_INSTANCE_TIMEOUT_SECONDS) * 1_000,
    taskToken,
    zone: group.zone,
    launchedAt: new Date(nowMs).toISOString(),
    microUsdPerHour: Math.round((group.pricesUsdPerHour[location] ?? 0) * 1e6),
  };
}

/** Takes over claims of attempts that the cloud is known to have nothing of. */
async function retake(
  context: WorkerContext,
  entries: readonly { record: InstanceItem; message: LaunchMessage }[],
): Promise<InstanceItem[]> {
  const taken = await Promise.all(
    entries.map(async ({ record, message }) => {
      const fields = {
        launchState: 'claimed' as const,
        claimUntilMs: context.store.clock.now() + CLAIM_MS,
        taskToken: message.taskToken,
      };
      const mine = await updateInstance(context.store, record, fields, { claimUntilMs: record.claimUntilMs });
      return mine ? [{ ...record, ...fields }] : [];
    }),
  );
  return taken.flat();
}

/** The workflow asked again with a new token: the status loop must answer that one. */
async function handOver(
  context: WorkerContext,
  record: InstanceItem,
  message: LaunchMessage & InstanceRef,
): Promise<Disposition> {
  if (record.taskToken === message.taskToken) return DONE;
  const written = await updateInstance(context.store, record, { taskToken: message.taskToken });
  return written ? DONE : waitFor(1_000);
}
