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
import { askPermits, type Permits } from './ask-permits.ts';
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

/** What becomes of the attempts of a batch, by instance id: whether each one's message is done, or when it comes back. */
type Ended = Map<string, Disposition>;

/** One batch of attempts at one place: observe, decide, apply, release. */
async function attempt(
  context: WorkerContext,
  place: PlaceRef,
  attempts: readonly Attempt[],
): Promise<Ended> {
  const { fated, permits } = await observe(context, place, attempts);
  const routes = routesOf(fated);
  const failed = await failUnmade(context, place, routes.failed);
  await waitInLine(context, place, routes.queued, permits);
  await Promise.all(routes.later.map(({ message }) => context.tasks.heartbeat(message.taskToken)));
  const claims = await claim(context, place, routes.granted);
  const stopped = [...routes.stopped, ...claims.fenced];
  await cancelLaunches(context, place, stopped);
  const created = await createInstances(context, place, claims.won, permits);
  const done = [...failed, ...[...routes.queued, ...stopped].map(idOf)];
  return new Map([
    ...done.map((id) => [id, DONE] as const),
    ...routes.later.map((one) => [idOf(one), waitFor(one.waitMs)] as const),
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
  place: PlaceRef,
  attempts: readonly Attempt[],
): Promise<{ fated: Fated[]; permits: Permits }> {
  const networks = await awaitNetworks(context, place, attempts);
  const permits = await askPermits(context, place, networks.ready);
  const fenced = await fencedAmong(context, place, permits.waiting);
  const as = <One extends Fate>(ones: readonly Attempt[], fate: One) =>
    ones.map((one) => ({ ...one, ...fate }));
  const fated: Fated[] = [
    ...networks.waiting.map((one) => ({ ...one, fate: 'later' as const })),
    ...networks.failed.map((one) => ({ ...one, fate: 'failed' as const })),
    ...as(networks.fenced, { fate: 'stopped' }),
    ...permits.barred.map((one) => ({ ...one, fate: 'failed' as const })),
    ...permits.later.map((one) => ({ ...one, fate: 'later' as const })),
    ...as(fenced, { fate: 'stopped' }),
    ...as(
      permits.waiting.filter((one) => !fenced.includes(one)),
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
    later: of('later'),
    queued: of('queued'),
    failed: of('failed'),
    stopped: of('stopped'),
  };
}

const idOf = ({ message }: Attempt): string => instanceId(message);

/** Writes the intent of each call: a new attempt's record, or that of an attempt which is made again. */
async function claim(
  context: WorkerContext,
  place: PlaceRef,
  granted: readonly Attempt[],
): Promise<{ won: InstanceItem[]; fenced: Attempt[] }> {
  const keys = await keysOfCalls(context, place, granted);
  const { again = [], fresh = [] } = Object.groupBy(granted, (one) => (one.again ? 'again' : 'fresh'));
  const claimed = await claimInstances(context, place, fresh, keys);
  const retaken = await retakeClaims(context, again, keys);
  return { won: [...claimed.won, ...retaken.won], fenced: [...claimed.fenced, ...retaken.fenced] };
}

/**
 * Fails attempts without a call. A claim that a gate keeps from being written is cancelled instead.
 *
 * @returns ids of those that are over; the others lost a race for their claim
 */
async function failUnmade(
  context: WorkerContext,
  place: PlaceRef,
  failed: readonly (Attempt & { failure: Failure })[],
): Promise<string[]> {
  if (failed.length === 0) return [];
  const reasons = new Map(failed.map((one) => [idOf(one), one.failure]));
  const { won, fenced } = await claimInstances(
    context,
    place,
    failed.filter(({ again }) => !again),
  );
  await cancelLaunches(context, place, fenced);
  const standing = failed.flatMap(({ again, record }) => (again && record ? [record] : []));
  const ending = [...won, ...standing];
  await failInstances(
    context,
    place,
    ending.flatMap((record) => {
      const failure = reasons.get(record.instanceId);
      return failure ? [{ record, failure }] : [];
    }),
  );
  return [...ending.map((record) => record.instanceId), ...fenced.map(idOf)];
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
