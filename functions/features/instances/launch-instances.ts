import type { Failure } from '../../model/failure.ts';
import { instanceId } from '../../model/identifiers.ts';
import { isClosed } from '../../model/status.ts';
import { type InstanceItem, readInstances } from '../../platform/store/instances.ts';
import { readPlacement } from '../../platform/store/placements.ts';
import { updateInstance } from '../../platform/store/transition.ts';
import {
  ACK,
  claimMsOf,
  type MessageResult,
  requeueAfter,
  requeueAs,
  type SiteRef,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import { startPolling } from '../../platform/worker/start-polling.ts';
import type { LaunchMessage } from '../../platform/workflow/messages.ts';
import type { Attempt, Launch } from '../launch-queue/attempt.ts';
import { enqueue } from '../launch-queue/enqueue.ts';
import { freeSlots } from '../launch-queue/free-slots.ts';
import { freeUnneededSlots } from '../launch-queue/free-unneeded-slots.ts';
import { askPermits, type Permits } from './ask-permits.ts';
import { awaitNetworks } from './await-networks.ts';
import { cancelLaunches } from './cancel.ts';
import { claimInstances } from './claim.ts';
import { createInstances } from './create.ts';
import { keysOfCalls } from './keys-of-calls.ts';
import { lookUp } from './look-up.ts';
import { nextStep } from './next-step.ts';
import { failInstances } from './outcomes.ts';
import { retakeClaims } from './retake-claims.ts';

/**
 * Takes launch messages of one site a step further, together: their records, permits and claims cost one call each for
 * all of them. Returns as soon as the cloud has taken the requests.
 *
 * @returns for each message, whether it is done or when it should come back
 */
export async function launchInstances(
  context: WorkerContext,
  site: SiteRef,
  launches: readonly Launch[],
): Promise<MessageResult[]> {
  const messages = launches.map(({ message }) => message);
  const records = await readInstances(context.store, messages);
  const results = new Map<string, MessageResult>();
  const attempts: Attempt[] = [];
  const chosen = new Map(launches.map((one) => [instanceId(one.message), one]));
  for (const [id, launch] of chosen) {
    const decided = await decide(context, site, launch, records.get(id));
    if ('done' in decided) results.set(id, decided);
    else attempts.push(decided);
  }
  if (attempts.length > 0) {
    for (const [id, result] of await attempt(context, site, attempts)) results.set(id, result);
  }
  return messages.map((message) => {
    const id = instanceId(message);
    const taken = chosen.get(id)?.message.taskToken === message.taskToken ? results.get(id) : undefined;
    // Whoever lost a race for a claim comes back to see that the winner answers this token, too; and so does whoever
    // waits for an instance that another execution of the workflow asks for in the same batch.
    return taken ?? requeueAfter(1_000);
  });
}

/** What is to be done about one message, and does it where that is no create call. */
async function decide(
  context: WorkerContext,
  site: SiteRef,
  launch: Launch,
  record: InstanceItem | undefined,
): Promise<MessageResult | Attempt> {
  const { message } = launch;
  if (record && record.location !== site.location) {
    // It has moved since: its launch goes on there. Whoever moved it may have died before its slot went back.
    await context.send({ ...message, location: record.location }, 0);
    await freeSlots(context, site, [{ instanceId: instanceId(message) }]);
    return ACK;
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
      const answer = await lookUp(context, next.record, message.taskToken);
      return answer.proven ? { ...launch, again: true, record: answer.record } : answer.result;
    }
    case 'replace-token':
      // The worker whose create was accepted may have died before it started a poll.
      await startPolling(context, site);
      return await replaceToken(context, next.record, message);
    case 'wait':
      return next.marks === undefined
        ? requeueAfter(next.waitMs)
        : requeueAs({ ...message, ...next.marks }, next.waitMs);
    case 'answer':
      await context.tasks.succeed(message.taskToken, { outcome: next.outcome });
      // It may have been granted a slot in the queue after its end.
      if (record && isClosed(record.status)) await freeUnneededSlots(context, [message]);
      return ACK;
  }
}

/** What becomes of the attempts of a batch, by instance id: whether each one's message is done, or when it comes back. */
type Ended = Map<string, MessageResult>;

/** One batch of attempts at one site: observe, decide, apply, release. */
async function attempt(context: WorkerContext, site: SiteRef, attempts: readonly Attempt[]): Promise<Ended> {
  const { fated, permits } = await observe(context, site, attempts);
  const routes = routesOf(fated);
  const failed = await failUnmade(context, routes.failed);
  await enqueue(context, site, routes.queued, permits);
  await Promise.all(routes.scheduled.map(({ message }) => context.tasks.heartbeat(message.taskToken)));
  const claims = await claim(context, routes.granted);
  const stopped = [...routes.stopped, ...claims.stopped];
  await cancelLaunches(context, stopped);
  const created = await createInstances(context, site, claims.won, permits);
  const done = [...failed, ...[...routes.queued, ...stopped].map(idOf)];
  return new Map([
    ...done.map((id) => [id, ACK] as const),
    ...routes.scheduled.map((one) => [idOf(one), requeueAfter(one.waitMs)] as const),
    ...created,
  ]);
}

/** What stands in the way of an attempt, or lets it go. */
type Fate =
  | { fate: 'granted' }
  /** It has to wait for networks, or for the time of its permit. */
  | { fate: 'later'; waitMs: number }
  /** It has to wait in line for a slot. */
  | { fate: 'queued' }
  /** It is known that the cloud would make nothing: no call is needed to say so. */
  | { fate: 'failed'; failure: Failure }
  /** Nothing of its fleet is launched here any more. */
  | { fate: 'stopped' };
type Fated = Attempt & Fate;

/** Asks what stands in the way of each attempt: networks first, then the governor, then the gate of those that must wait. */
async function observe(
  context: WorkerContext,
  site: SiteRef,
  attempts: readonly Attempt[],
): Promise<{ fated: Fated[]; permits: Permits }> {
  const networks = await awaitNetworks(context, site, attempts);
  const permits = await askPermits(context, site, networks.ready);
  const stopped = await stoppedAmong(context, site, permits.queued);
  const as = <One extends Fate>(ones: readonly Attempt[], fate: One) =>
    ones.map((one) => ({ ...one, ...fate }));
  const fated: Fated[] = [
    ...networks.waiting.map((one) => ({ ...one, fate: 'later' as const })),
    ...networks.failed.map((one) => ({ ...one, fate: 'failed' as const })),
    ...as(networks.stopped, { fate: 'stopped' }),
    ...permits.denied.map((one) => ({ ...one, fate: 'failed' as const })),
    ...permits.scheduled.map((one) => ({ ...one, fate: 'later' as const })),
    ...as(stopped, { fate: 'stopped' }),
    ...as(
      permits.queued.filter((one) => !stopped.includes(one)),
      { fate: 'queued' },
    ),
    ...as(permits.granted, { fate: 'granted' }),
  ];
  return { fated, permits };
}

/** Sorts attempts by what becomes of them. Pure. */
function routesOf(fated: readonly Fated[]) {
  const of = <Name extends Fate['fate']>(fate: Name) =>
    fated.filter((one): one is Attempt & Extract<Fate, { fate: Name }> => one.fate === fate);
  return {
    granted: of('granted'),
    scheduled: of('later'),
    queued: of('queued'),
    failed: of('failed'),
    stopped: of('stopped'),
  };
}

const idOf = ({ message }: Attempt): string => instanceId(message);

/** Writes the intent of each call: a new attempt's record, or that of an attempt which is made again. */
async function claim(
  context: WorkerContext,
  granted: readonly Attempt[],
): Promise<{ won: InstanceItem[]; stopped: Attempt[] }> {
  const keys = await keysOfCalls(context, granted);
  const { again = [], fresh = [] } = Object.groupBy(granted, (one) => (one.again ? 'again' : 'fresh'));
  const claimed = await claimInstances(context, fresh, keys);
  const retaken = await retakeClaims(context, again, keys);
  return { won: [...claimed.won, ...retaken.won], stopped: [...claimed.stopped, ...retaken.stopped] };
}

/**
 * Fails attempts without a call. A claim that a gate keeps from being written is cancelled instead.
 *
 * @returns ids of those that are over; the others lost a race for their claim
 */
async function failUnmade(
  context: WorkerContext,
  failed: readonly (Attempt & { failure: Failure })[],
): Promise<string[]> {
  if (failed.length === 0) return [];
  const reasons = new Map(failed.map((one) => [idOf(one), one.failure]));
  const { won, stopped } = await claimInstances(
    context,
    failed.filter(({ again }) => !again),
  );
  await cancelLaunches(context, stopped);
  const standing = failed.flatMap(({ again, record }) => (again && record ? [record] : []));
  const ending = [...won, ...standing];
  await failInstances(
    context,
    ending.flatMap((record) => {
      const failure = reasons.get(record.instanceId);
      return failure ? [{ record, failure }] : [];
    }),
  );
  return [...ending.map((record) => record.instanceId), ...stopped.map(idOf)];
}

/** Those that need not wait for a permit, since nothing of their fleet is launched here any more. */
async function stoppedAmong(
  { store }: WorkerContext,
  { connectionKey, location }: SiteRef,
  attempts: readonly Attempt[],
): Promise<Attempt[]> {
  const byFleet = Map.groupBy(attempts, ({ message }) => message.fleetId);
  const stopped = await Promise.all(
    [...byFleet].map(async ([fleetId, ofFleet]) => {
      const placement = await readPlacement(store, fleetId, connectionKey, location);
      return placement?.launching === 'on' ? [] : ofFleet;
    }),
  );
  return stopped.flat();
}

/**
 * The workflow asked again with a new token: the poll loop must answer that one. Nobody waits with the old one. A
 * message of an execution that is over may come late, and its token must not take the place of one that is waited for.
 */
async function replaceToken(
  context: WorkerContext,
  record: InstanceItem,
  message: LaunchMessage,
): Promise<MessageResult> {
  if (record.taskToken === message.taskToken) return ACK;
  if (!(await context.tasks.heartbeat(message.taskToken))) return ACK;
  const written = await updateInstance(context.store, record, {
    taskToken: message.taskToken,
    round: Math.max(record.round, message.round),
  });
  if (!written) return requeueAfter(1_000);
  if (record.taskToken !== undefined) await context.tasks.succeed(record.taskToken, { outcome: 'Cancelled' });
  return ACK;
}
