import type { Failure } from '../../model/failure.ts';
import { instanceId } from '../../model/identifiers.ts';
import { isClosed } from '../../model/status.ts';
import { type InstanceItem, readInstances } from '../../platform/store/instances.ts';
import { readPlacement } from '../../platform/store/placements.ts';
import { updateInstance } from '../../platform/store/transition.ts';
import {
  claimMsOf,
  type Disposition,
  DONE,
  goOnAs,
  type PlaceRef,
  type WorkerContext,
  waitFor,
} from '../../platform/worker/context.ts';
import { startLooking } from '../../platform/worker/start-looking.ts';
import type { LaunchMessage } from '../../platform/workflow/messages.ts';
import type { Attempt, Launch } from '../launch-queue/attempt.ts';
import { freeSlots } from '../launch-queue/free-slots.ts';
import { freeUnneededSlots } from '../launch-queue/free-unneeded-slots.ts';
import { waitInLine } from '../launch-queue/wait-in-line.ts';
import { askPermits } from './ask-permits.ts';
import { awaitNetworks } from './await-networks.ts';
import { cancelLaunches } from './cancel.ts';
import { claimInstances } from './claim.ts';
import { createInstances } from './create.ts';
import { failInstances } from './finish.ts';
import { keysOfCalls } from './keys-of-calls.ts';
import { lookUp } from './look-up.ts';
import { nextStep } from './next-step.ts';
import { retakeClaims } from './retake-claims.ts';

/**
 * Takes launch messages of one place a step further, together: their records, permits and claims cost one call
 * each for all of them. Returns as soon as the cloud has taken the requests.
 *
 * @returns for each message, whether it is done or when it should come back
 */
export async function launchInstances(
  context: WorkerContext,
  place: PlaceRef,
  launches: readonly Launch[],
): Promise<Disposition[]> {
  const messages = launches.map(({ message }) => message);
  const records = await readInstances(context.store, messages);
  const dispositions = new Map<string, Disposition>();
  const attempts: Attempt[] = [];
  const chosen = new Map(launches.map((one) => [instanceId(one.message), one]));
  for (const [id, launch] of chosen) {
    const decided = await decide(context, place, launch, records.get(id));
    if ('done' in decided) dispositions.set(id, decided);
    else attempts.push(decided);
  }
  if (attempts.length > 0) {
    for (const [id, disposition] of await attempt(context, place, attempts))
      dispositions.set(id, disposition);
  }
  return messages.map((message) => {
    const id = instanceId(message);
    const taken = chosen.get(id)?.message.taskToken === message.taskToken ? dispositions.get(id) : undefined;
    // Whoever lost a race for a claim comes back to see that the winner answers this token, too; and so does whoever
    // waits for an instance that another execution of the workflow asks for in the same batch.
    return taken ?? waitFor(1_000);
  });
}

/** What is to be done about one message, and does it where that is no create call. */
async function decide(
  context: WorkerContext,
  place: PlaceRef,
  launch: Launch,
  record: InstanceItem | undefined,
): Promise<Disposition | Attempt> {
  const { message } = launch;
  if (record && record.location !== place.location) {
    // It has moved since: its launch goes on there. Whoever moved it may have died before its slot went back.
    await context.send({ ...message, location: record.location }, 0);
    await freeSlots(context, place, [{ instanceId: instanceId(message) }]);
    return DONE;
  }
  const next = nextStep(record, launch, {
    consistencyWindowMs: context.driver.consistencyWindowMs,
    claimMs: claimMsOf(context),
  });
  switch (next.step) {
    case 'claim':
      return { ...launch, again: false, ...(next.replaces ? { record: next.replaces } : {}) };
    case 'create':
      return { ...launch, again: true, record: next.record };
    case 'look-up': {
      const answer = await lookUp(context, place, next.record, message.taskToken);
      return answer.proven ? { ...launch, again: true, record: answer.record } : answer.disposition;
    }
    case 'hand-over':
      // Whoever had the machine accepted may have died before anybody looked.
      await startLooking(context, place);
      return await handOver(context, next.record, message);
    case 'wait':
      return next.marks === undefined
        ? waitFor(next.waitMs)
        : goOnAs({ ...message, ...next.marks }, next.waitMs);
    case 'answer':
      await context.tasks.succeed(message.taskToken, { outcome: next.outcome });
      // In line it may have been given one after its end.
      if (record && isClosed(record.status)) await freeUnneededSlots(context, place, [message]);
      return DONE;
  }
}

async function attempt(
  context: WorkerContext,
  place: PlaceRef,
  attempts: readonly Attempt[],
): Promise<Map<string, Disposition>> {
  const dispositions = new Map<string, Disposition>();
  const networks = await awaitNetworks(context, place, attempts);
  for (const { message, waitMs } of networks.waiting) {
    dispositions.set(instanceId(message), waitFor(waitMs));
    await context.tasks.heartbeat(message.taskToken);
  }
  await failUnmade(context, place, networks.failed, dispositions);
  const permits = await askPermits(context, place, networks.ready);
  await failUnmade(context, place, permits.barred, dispositions);
  for (const { message, waitMs } of permits.later) {
    dispositions.set(instanceId(message), waitFor(waitMs));
    await context.tasks.heartbeat(message.taskToken);
  }
  const fenced = await fencedAmong(context, place, permits.waiting);
  const waiting = permits.waiting.filter((one) => !fenced.includes(one));
  await waitInLine(context, place, waiting, permits);
  for (const { message } of waiting) dispositions.set(instanceId(message), DONE);
  const { granted } = permits;
  const keys = await keysOfCalls(context, place, granted);
  const claimed = await claimInstances(
    context,
    place,
    granted.filter(({ again }) => !again),
    keys,
  );
  const retaken = await retakeClaims(
    context,
    granted.filter(({ again }) => again),
    keys,
  );
  const cancelled = [...networks.fenced, ...fenced, ...claimed.fenced, ...retaken.fenced];
  await cancelLaunches(context, place, cancelled);
  for (const { message } of cancelled) dispositions.set(instanceId(message), DONE);
  const created = await createInstances(context, place, [...claimed.won, ...retaken.won], permits);
  for (const [id, disposition] of created) dispositions.set(id, disposition);
  return dispositions;
}

/** Where it is known that the cloud would make nothing, no call is needed to say so. */
async function failUnmade(
  context: WorkerContext,
  place: PlaceRef,
  failed: readonly (Attempt & { failure: Failure })[],
  dispositions: Map<string, Disposition>,
): Promise<void> {
  if (failed.length === 0) return;
  const reasons = new Map(failed.map(({ message, failure }) => [instanceId(message), failure]));
  const { won, fenced } = await claimInstances(
    context,
    place,
    failed.filter(({ again }) => !again),
  );
  await cancelLaunches(context, place, fenced);
  const standing = failed.flatMap(({ again, record }) => (again && record ? [record] : []));
  await failInstances(
    context,
    place,
    [...won, ...standing].flatMap((record) => {
      const failure = reasons.get(record.instanceId);
      return failure ? [{ record, failure }] : [];
    }),
  );
  const ended = [...won, ...standing].map((record) => record.instanceId);
  for (const id of [...ended, ...fenced.map(({ message }) => instanceId(message))])
    dispositions.set(id, DONE);
}

/** Those that need not wait for a permit, since nothing of their fleet is launched here any more. */
async function fencedAmong(
  { store }: WorkerContext,
  { connectionKey, location }: PlaceRef,
  attempts: readonly Attempt[],
): Promise<Attempt[]> {
  const byFleet = Map.groupBy(attempts, ({ message }) => message.fleetId);
  const fenced = await Promise.all(
    [...byFleet].map(async ([fleetId, ofFleet]) => {
      const placement = await readPlacement(store, fleetId, connectionKey, location);
      return placement?.gate === 'open' ? [] : ofFleet;
    }),
  );
  return fenced.flat();
}

/**
 * The workflow asked again with a new token: the status loop must answer that one. Nobody waits with the old one. A
 * message of an execution that is over may come late, and its token must not take the place of one that is waited for.
 */
async function handOver(
  context: WorkerContext,
  record: InstanceItem,
  message: LaunchMessage,
): Promise<Disposition> {
  if (record.taskToken === message.taskToken) return DONE;
  if (!(await context.tasks.heartbeat(message.taskToken))) return DONE;
  const written = await updateInstance(context.store, record, {
    taskToken: message.taskToken,
    round: Math.max(record.round, message.round),
  });
  if (!written) return waitFor(1_000);
  if (record.taskToken !== undefined) await context.tasks.succeed(record.taskToken, { outcome: 'Cancelled' });
  return DONE;
}
