import type { Failure } from '../../model/failure.ts';
import { instanceId } from '../../model/identifiers.ts';
import { isClosed } from '../../model/status.ts';
import { isMoving } from '../../platform/store/counters.ts';
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
import { type LaunchMessage, MOST_POSITIONS } from '../../platform/workflow/messages.ts';
import { awaitLaunches } from '../fleets/await-launches.ts';
import type { Attempt, Launch } from '../launch-queue/attempt.ts';
import { enqueue } from '../launch-queue/enqueue.ts';
import { freeSlots, openIfPossible } from '../launch-queue/free-slots.ts';
import { freeUnneededSlots } from '../launch-queue/free-unneeded-slots.ts';
import { idOf, repack, unpack } from '../launch-queue/share-message.ts';
import { askPermits, type Permits } from './ask-permits.ts';
import { awaitCredential, lookUpWaits, REFUSED_MS } from './await-credential.ts';
import { awaitNetworks } from './await-networks.ts';
import { cancelLaunches } from './cancel.ts';
import { claimInstances } from './claim.ts';
import { CONCURRENT_CALLS, createInstances } from './create.ts';
import { keysOfCalls } from './keys-of-calls.ts';
import { lookUp } from './look-up.ts';
import { machinesPerCall } from './machines-per-call.ts';
import { nextStep } from './next-step.ts';
import { failInstances } from './outcomes.ts';
import { retakeClaims } from './retake-claims.ts';
import { attemptSoon, type Ended, isSoon, sendLater, type Terms } from './start-times.ts';

/**
 * Advances the launch messages of one site together. The messages share reads, permit requests and claims.
 * Returns when the cloud has accepted the requests, without waiting for a boot.
 *
 * @returns the message result of each received message, in the order of the messages
 */
export async function launchInstances(
  context: WorkerContext,
  site: SiteRef,
  received: readonly Launch[],
): Promise<MessageResult[]> {
  const results = new Map<string, MessageResult>();
  const attempts: Attempt[] = [];
  const most = await mostAtOnce(context, site);
  const perMessage = Math.min(most, MOST_POSITIONS);
  const chosen = latestOfEach(received.map(unpack));
  const taken = new Map([...chosen].slice(0, most));
  const records = await readInstances(
    context.store,
    [...taken.values()].map(({ launch }) => launch.message),
  );
  for (const [id, { launch }] of taken) {
    const decided = await decide(context, site, launch, records.get(id));
    if ('done' in decided) results.set(id, decided);
    else attempts.push(decided);
  }
  if (attempts.length > 0) {
    for (const [id, result] of await attempt(context, site, attempts, { most: perMessage, waits: 0 }))
      results.set(id, result);
  }
  const resultOf = (from: number, message: LaunchMessage): MessageResult => {
    const id = instanceId(message);
    // Another message of this batch has a launch of this position, for this round or a later one.
    if (chosen.get(id)?.from !== from) return ACK;
    // Other workers take on the launches for which this worker has no time.
    if (!taken.has(id)) return requeueAfter(0);
    // A launch has no result if another worker won the claim. The worker that gets the next delivery reads the record
    // again.
    return results.get(id) ?? requeueAfter(1_000);
  };
  const left = await Promise.all(
    received.map((one, from) => repack(context, one, perMessage, (message) => resultOf(from, message))),
  );
  await Promise.all(received.map(({ message }) => answer(context, message)));
  return left;
}

/** Largest number of launches that a worker takes on at once, if the cloud makes many machines in one call. */
const MOST_AT_ONCE = 1_000;

/**
 * Maximum number of launches that a worker takes on at once. Each of its requests makes as many machines as the cloud
 * allows.
 */
async function mostAtOnce(context: WorkerContext, site: SiteRef): Promise<number> {
  const opened = await openIfPossible(context, site);
  // Without a client, the launches make no request.
  if (!opened) return MOST_AT_ONCE;
  return Math.min(MOST_AT_ONCE, CONCURRENT_CALLS * machinesPerCall(opened, site.location));
}

/**
 * Returns one launch of each position: of the latest round, and the last of these. `from` is the number of its message.
 */
function latestOfEach(
  byMessage: readonly (readonly Launch[])[],
): Map<string, { launch: Launch; from: number }> {
  const chosen = new Map<string, { launch: Launch; from: number }>();
  for (const [from, launches] of byMessage.entries()) {
    for (const launch of launches) {
      const known = chosen.get(idOf(launch));
      if (!known || known.launch.message.round <= launch.message.round)
        chosen.set(idOf(launch), { launch, from });
    }
  }
  return chosen;
}

/**
 * Completes the task of a message whose launches are done, or have messages of their own. If the message also stands for
 * the fleet's other launches at the connection, its task is completed when none of them is left.
 */
async function answer(
  context: WorkerContext,
  { fleetId, connectionKey, taskToken, awaits }: LaunchMessage,
): Promise<void> {
  if (taskToken === undefined) return;
  if (awaits === undefined) await context.tasks.succeed(taskToken, {});
  else await awaitLaunches(context, { fleetId, connectionKey, taskToken, execution: awaits });
}

/**
 * Decides the next step of one launch, and takes that step. If the step is a create call, returns the attempt
 * instead.
 */
async function decide(
  context: WorkerContext,
  site: SiteRef,
  launch: Launch,
  record: InstanceItem | undefined,
): Promise<MessageResult | Attempt> {
  const { message } = launch;
  if (record && record.location !== site.location) {
    // The instance has moved. Send its launch message to the other location. The worker that moved the
    // instance may have died before it gave back the slot at this site.
    await context.send({ ...message, location: record.location }, 0);
    await freeSlots(context, site, [{ instanceId: instanceId(message) }]);
    return ACK;
  }
  const present = await inRound(context, record, message.round);
  if (present === 'changed') return requeueAfter(1_000);
  const next = nextStep(present, launch, {
    consistencyWindowMs: context.driver.consistencyWindowMs,
    claimMs: claimMsOf(context),
  });
  switch (next.step) {
    case 'claim':
      return { ...launch, again: false, ...(next.replaces ? { record: next.replaces } : {}) };
    case 'create':
      return { ...launch, again: true, record: next.record };
    case 'look-up': {
      if (await lookUpWaits(context, site, next.record)) return requeueAfter(REFUSED_MS);
      const answer = await lookUp(context, next.record);
      return answer.proven ? { ...launch, again: true, record: answer.record } : answer.result;
    }
    case 'leave':
      // The worker whose create call was accepted may have died before it started a poll.
      await startPolling(context, site);
      return ACK;
    case 'wait':
      return next.marks === undefined
        ? requeueAfter(next.waitMs)
        : requeueAs({ ...message, ...next.marks }, next.waitMs);
    case 'none':
      // The launch queue may have given a slot to the launch after its instance had ended.
      if (record && isClosed(record.status)) await freeUnneededSlots(context, [message]);
      return ACK;
  }
}

/**
 * Advances a batch of attempts at one site. Finds out what blocks each attempt. Makes the create calls of the
 * granted attempts. Fails, queues, delays or cancels the other attempts.
 */
async function attempt(
  context: WorkerContext,
  site: SiteRef,
  attempts: readonly Attempt[],
  terms: Terms,
): Promise<Ended> {
  const { fated, permits } = await observe(context, site, attempts);
  const routes = routesOf(fated);
  const { soon = [], later = [] } = Object.groupBy(routes.scheduled, (one) =>
    isSoon(context, one, terms) ? 'soon' : 'later',
  );
  // A create call may take as long as a boot. The launches with later start times do not wait for its answer.
  const [sent, ended, waited] = await Promise.allSettled([
    sendLater(context, [...later, ...routes.waiting], terms.most),
    takeRoutes(context, site, routes, permits),
    attemptSoon(context, soon, terms, (started, next) => attempt(context, site, started, next)),
  ]);
  if (ended.status === 'rejected') throw ended.reason;
  if (waited.status === 'rejected') throw waited.reason;
  if (sent.status === 'rejected') throw sent.reason;
  return new Map([...ended.value, ...waited.value, ...sent.value]);
}

/** Takes each attempt to its end, except those that have to wait. */
async function takeRoutes(
  context: WorkerContext,
  site: SiteRef,
  routes: Routes,
  permits: Permits,
): Promise<Ended> {
  const failed = await failUnmade(context, routes.failed);
  await enqueue(context, site, routes.queued, permits);
  const claims = await claim(context, routes.granted, permits);
  const stopped = [...routes.stopped, ...claims.stopped];
  await cancelLaunches(context, stopped);
  const created = await createInstances(context, site, claims.won, permits);
  const done = [...failed, ...[...routes.queued, ...stopped].map(idOf)];
  return new Map([...done.map((id) => [id, ACK] as const), ...created]);
}

/**
 * Decision about one attempt: `granted` if the attempt may make its create call; otherwise what blocks the
 * attempt.
 */
type Fate =
  | { fate: 'granted' }
  /** The attempt waits for its connection or for network resources. */
  | { fate: 'waiting'; waitMs: number }
  /** The attempt waits for the start time of its permit. */
  | { fate: 'scheduled'; waitMs: number; call?: string }
  /** The attempt is enqueued until a slot is free. */
  | { fate: 'queued' }
  /** The attempt fails without a call, because the cloud would refuse it. */
  | { fate: 'failed'; failure: Failure }
  /** The launch gate stops the attempt: its fleet no longer launches at this site. */
  | { fate: 'stopped' };
type Fated = Attempt & Fate;

/**
 * Finds out what blocks each attempt. First checks whether the cloud refuses the connection's credential, and then the
 * network resources: if an attempt has to wait for them, the launch gate may stop it. Then asks the governor. Last, reads the launch gate for each attempt that the
 * governor would queue.
 */
async function observe(
  context: WorkerContext,
  site: SiteRef,
  attempts: readonly Attempt[],
): Promise<{ fated: Fated[]; permits: Permits }> {
  const connected = await awaitCredential(context, site, attempts);
  const networks = await awaitNetworks(context, site, connected.ready);
  const permits = await askPermits(context, site, networks.ready);
  const stopped = await stoppedAmong(context, site, permits.queued);
  const as = <One extends Fate>(ones: readonly Attempt[], fate: One) =>
    ones.map((one) => ({ ...one, ...fate }));
  const fated: Fated[] = [
    ...[...connected.waiting, ...networks.waiting].map((one) => ({ ...one, fate: 'waiting' as const })),
    ...[...connected.failed, ...networks.failed].map((one) => ({ ...one, fate: 'failed' as const })),
    ...as([...connected.stopped, ...networks.stopped], { fate: 'stopped' }),
    ...permits.denied.map((one) => ({ ...one, fate: 'failed' as const })),
    ...permits.scheduled.map((one) => ({ ...one, fate: 'scheduled' as const })),
    ...as(stopped, { fate: 'stopped' }),
    ...as(
      permits.queued.filter((one) => !stopped.includes(one)),
      { fate: 'queued' },
    ),
    ...as(permits.granted, { fate: 'granted' }),
  ];
  return { fated, permits };
}

type Routes = ReturnType<typeof routesOf>;

/** Groups attempts by their fate. Pure. */
function routesOf(fated: readonly Fated[]) {
  const of = <Name extends Fate['fate']>(fate: Name) =>
    fated.filter((one): one is Attempt & Extract<Fate, { fate: Name }> => one.fate === fate);
  return {
    granted: of('granted'),
    waiting: of('waiting'),
    scheduled: of('scheduled'),
    queued: of('queued'),
    failed: of('failed'),
    stopped: of('stopped'),
  };
}

/**
 * Claims each attempt before its call: writes the record of a new attempt, or renews the claim of a repeated
 * attempt.
 */
async function claim(
  context: WorkerContext,
  granted: readonly Attempt[],
  { calls }: Permits,
): Promise<{ won: InstanceItem[]; stopped: Attempt[] }> {
  const keys = await keysOfCalls(context, granted, calls);
  const { again = [], fresh = [] } = Object.groupBy(granted, (one) => (one.again ? 'again' : 'fresh'));
  const claimed = await claimInstances(context, fresh, keys);
  const retaken = await retakeClaims(context, again, keys);
  return { won: [...claimed.won, ...retaken.won], stopped: [...claimed.stopped, ...retaken.stopped] };
}

/**
 * Fails attempts, and makes no create calls for them. An attempt whose claim the launch gate refuses is
 * cancelled instead.
 *
 * @returns instance ids of the attempts that have ended; the claims of all other attempts were won by other
 *   workers
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
  const standing = failed.flatMap(({ again, record }) => (again && record ? [record] : []));
  const ending = [...won, ...standing];
  const waiting = await failInstances(
    context,
    ending.flatMap((record) => {
      const failure = reasons.get(record.instanceId);
      return failure ? [{ record, failure }] : [];
    }),
  );
  const halted = failed.flatMap((one) => {
    const record = waiting.find(({ instanceId }) => instanceId === idOf(one));
    return record ? [{ ...one, record }] : [];
  });
  await cancelLaunches(context, [...stopped, ...halted]);
  return [...ending.map((record) => record.instanceId), ...stopped.map(idOf)];
}

/**
 * Returns the attempts that the launch gate stops. The caller cancels these attempts instead of queuing them.
 */
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
 * Takes an instance whose attempt of an earlier round is still open into a later round. If the attempt fails, the
 * instance has then failed in the later round.
 *
 * @returns the record as it is now; `changed` if another worker has changed it since it was read
 */
async function inRound(
  context: WorkerContext,
  record: InstanceItem | undefined,
  round: number,
): Promise<InstanceItem | undefined | 'changed'> {
  if (!record || record.round >= round || !(record.status === 'Creating' || isMoving(record))) return record;
  return (await updateInstance(context.store, record, { round })) ? { ...record, round } : 'changed';
}
