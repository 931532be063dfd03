import { DriverError, type DriverErrorCode } from '../../drivers/contract/errors.ts';
import { isStable } from '../../model/status.ts';
import { hasBudget } from '../../platform/governor/budgets.ts';
import { readSiteEntries, type SiteEntry } from '../../platform/store/instances.ts';
import { readQueueHead } from '../../platform/store/launch-queue.ts';
import {
  endLoop,
  type Loop,
  SHORTEST_POLL_MS,
  scheduleNextPoll,
  takePoll,
} from '../../platform/store/loops.ts';
import type { OpenConnection, SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import type { PollMessage } from '../../platform/workflow/messages.ts';
import { markRefused } from '../connections/mark-failed.ts';
import { isRefused } from '../connections/refusal-in-force.ts';
import { QUEUE_SCAN_MS, scanQueue, serveQueue } from '../launch-queue/serve-queue.ts';
import { countForBudget } from './count-for-budget.ts';
import { endOverdue } from './end-overdue.ts';
import { beginFastPolls, fastPoll, isPolledFast } from './fast-poll.ts';
import { nextPollMs } from './next-poll.ts';
import { reconcileSite } from './reconcile-site.ts';
import { isDoubtful, type Snapshot, takeSnapshot } from './snapshot.ts';
import { snapshotById } from './snapshot-by-id.ts';

const POLLS_UNTIL_IDLE = 2;
/**
 * Time in ms after a list call failed with `Unavailable`. During this time, polls read machines one by one
 * instead of listing the site. The time doubles with each further failure, because the list calls use up permits of the
 * reads.
 */
const LIST_AGAIN_MS = 60_000;
const LONGEST_LIST_AGAIN_MS = 240_000;
/**
 * Interval of polls after a rejected credential or a denied list call, in ms. More frequent polls are useless
 * until an operator replaces the credential or gives the right. Also the maximum interval of polls while launches wait and the cloud gives no
 * answer.
 */
const BLIND_MS = 60_000;
const BLIND_POLL_MS: Readonly<Partial<Record<DriverErrorCode, number>>> = {
  Unauthorized: BLIND_MS,
  Forbidden: BLIND_MS,
};

/**
 * Polls one site. Makes one list call for all fleets, reconciles records, completes tasks and serves the
 * launch queue. Schedules the next poll while anything is in transition.
 */
export async function pollSite(context: WorkerContext, message: PollMessage): Promise<void> {
  if (message.fast) return await fastPoll(context, message);
  const { connectionKey, location } = message;
  const ref = { driver: context.driver.name, connectionKey, location };
  const loop = await takePoll(context.store, ref, message.generation);
  if (!loop) return;
  const turn: Turn = { loop, isSent: false };
  try {
    await pollNow(context, { connectionKey, location }, turn);
  } catch (error) {
    // `takePoll` has increased the loop's generation. If SQS delivered this message again, `takePoll` would
    // drop the message. Therefore the message of the next poll is sent here, even if the loop's state was not
    // stored.
    if (!turn.isSent)
      await sendPoll(context, loop, error instanceof DriverError ? BLIND_MS : intervalMs(context));
    throw error;
  }
}

/** Maximum number of characters of a cloud's error in the loop's item. */
const MAX_WORDS = 500;

/** State of the poll that is running. */
interface Turn {
  loop: Loop;
  /** True if the next poll was already sent. */
  isSent: boolean;
  /** The reads of single machines that were under way when the list call ended. */
  reading?: ReturnType<typeof snapshotById>;
}

async function pollNow(context: WorkerContext, site: SiteRef, turn: Turn): Promise<void> {
  const { loop } = turn;
  const { connectionKey, location } = site;
  const opened = await context.open(connectionKey);
  await scanQueueIfDue(context, site, opened, loop);
  if (isListAwaited(loop, context.store.clock.now())) return await pollById(context, site, opened, turn);
  const askedAtMs = context.store.clock.now();
  let snapshot: Snapshot;
  try {
    const listing = takeSnapshot(context, site, opened, loop);
    // A list call that failed before may take long again. The poll does not wait for it idly.
    if ((loop.listFailures ?? 0) > 0) await readDuring(listing, context, site, opened, turn);
    snapshot = await listing;
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    if (error.code === 'NoPermit')
      return await pollLater(context, site, opened, turn, error.retryAfterMs ?? 0);
    context.log.warn('the machines could not be listed', {
      connectionKey,
      location,
      code: error.code,
      message: error.message,
    });
    return await withoutList(context, site, opened, turn, { error, askedAtMs });
  }
  await verifyIfRefused(context, opened, loop);
  loop.listFailedAtMs = 0;
  loop.listFailures = 0;
  loop.deferredReads = {};
  loop.blind = null;
  // A list that shows no expected machine may be an error of the cloud. The poll believes such a list only if
  // the previous list showed no expected machine, too. The previous list counts even if the poll loop was
  // restarted in between.
  const isDoubted = isDoubtful(snapshot) && loop.isDoubted !== true;
  loop.isDoubted = isDoubted;
  if (isDoubted) {
    return await pollAgain(context, turn, SHORTEST_POLL_MS, { isFast: loop.fastPolling === true });
  }
  // The next poll is sent before the reconcile, because the reconcile would delay it.
  if (loop.fastPolling) {
    await sendPoll(context, loop, SHORTEST_POLL_MS);
    turn.isSent = true;
  }
  await goOn(context, site, opened, turn, snapshot);
}

/**
 * Asks for a verification of the connection if its credential was refused, because the list call shows that the cloud
 * accepts it now. Launches that wait for the connection go on after the verification. Asks at most once a minute, except
 * after a list call that was refused.
 */
async function verifyIfRefused(
  context: WorkerContext,
  { connection }: OpenConnection,
  { connectionKey, blind, polledAtMs = 0 }: Loop,
): Promise<void> {
  if (!isRefused(connection)) return;
  context.forget(connectionKey);
  const minuteOf = (atMs: number) => Math.floor(atMs / BLIND_MS);
  const isDue = blind?.code === 'Unauthorized' || minuteOf(context.store.clock.now()) > minuteOf(polledAtMs);
  if (isDue) await context.send({ kind: 'verify', connectionKey, sync: false }, 0);
}

/**
 * Schedules the next poll if the list call got no permit. If the permit takes longer than the usual interval,
 * serves the launch queue first, without a list of machines.
 */
async function pollLater(
  context: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
  turn: Turn,
  waitMs: number,
): Promise<void> {
  if (waitMs > intervalMs(context)) return await pollBlindly(context, site, opened, turn, waitMs);
  const isFast = turn.loop.fastPolling === true && waitMs <= SHORTEST_POLL_MS;
  await pollAgain(context, turn, waitMs, { isFast });
}

/** Reconciles records with a snapshot, then schedules the next poll or ends the loop. */
async function goOn(
  context: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
  turn: Turn,
  snapshot: Snapshot,
): Promise<void> {
  const { loop } = turn;
  const found = await reconcileSite({ context, site, opened, loop }, snapshot);
  const whole = snapshot.isFull ? { fullAtMs: snapshot.seenAtMs, entries: snapshot.entries.length } : {};
  const next = {
    ...turn,
    loop: { ...loop, ...whole, fastestMs: found.fastestMs, polledAtMs: snapshot.seenAtMs },
  };
  if (found.inTransition > 0 || found.isWaitedFor || found.isNaming || turn.isSent) {
    const nextMs = nextPollMs(found, intervalMs(context), context.store.clock.now());
    const waitMs = found.isRemoving || snapshot.isListless ? SHORTEST_POLL_MS : nextMs;
    const isFast = found.isWaitedFor && nextMs <= SHORTEST_POLL_MS && !snapshot.isListless;
    await pollAgain(context, next, waitMs, { isFast });
    // Before the first machine runs, its boot takes at least the time since its create call.
    const leastMs = context.store.clock.now() - Math.min(...found.startsMs);
    const after = { ...next.loop, fastPolling: isFast, fastestMs: found.fastestMs ?? leastMs };
    if (isPolledFast(after, opened) && !isPolledFast(loop, opened)) await beginFastPolls(context, after);
    return;
  }
  const emptyPolls = loop.emptyPolls + 1;
  if (emptyPolls < POLLS_UNTIL_IDLE)
    return await pollAgain(context, next, intervalMs(context), { emptyPolls });
  const { connectionKey, location } = site;
  const ref = { driver: context.driver.name, connectionKey, location };
  const isSettled =
    hasOnlyStable(snapshot.entries) && (found.hasLookedClosely || snapshot.entries.length === 0);
  const isIdle = isSettled && (await isDeserted(context, site));
  if (!(await endLoop(context.store, ref, loop, isIdle))) await pollAgain(context, next, intervalMs(context));
}

/**
 * Returns true if the list call failed recently. Polls then do not repeat the list call, because a slow list call would
 * take much of a poll's time and delay the launch queue.
 */
function isListAwaited({ listFailedAtMs = 0, listFailures = 1 }: Loop, nowMs: number): boolean {
  const againMs = Math.min(LONGEST_LIST_AGAIN_MS, LIST_AGAIN_MS * 2 ** (listFailures - 1));
  return Math.abs(nowMs - listFailedAtMs) < againMs;
}

/**
 * Continues a poll whose list call failed. If the cloud is unavailable, the poll reads machines one by one.
 * After another error, or if no machine can be read, the poll serves the launch queue. Before that, the poll
 * fails overdue instances, unless the list call was throttled, or no answer about a machine came in time.
 */
async function withoutList(
  context: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
  turn: Turn,
  { error, askedAtMs }: { error: DriverError; askedAtMs: number },
): Promise<void> {
  const { connectionKey, location } = site;
  turn.loop.isDoubted = false;
  if (error.code === 'Unavailable') {
    turn.loop.listFailedAtMs = context.store.clock.now();
    turn.loop.listFailures = (turn.loop.listFailures ?? 0) + 1;
    const snapshot = await (turn.reading ?? snapshotById(context, site, opened, turn.loop));
    if (snapshot === 'late') return await pollBlindly(context, site, opened, turn, SHORTEST_POLL_MS);
    if (snapshot) {
      turn.loop.blind = null;
      return await goOn(context, site, opened, turn, snapshot);
    }
  }
  turn.loop.blind = blindAfter(turn.loop, error, askedAtMs);
  // Only a refused credential makes the connection Failed. Polls go on, because an operator may replace the
  // credential.
  if (error.code === 'Unauthorized') await markRefused(context, opened.connection, error);
  if (error.code !== 'Throttled') await endOverdue(context, site, error);
  if (hasBudget(opened.limits)) {
    // Records can be counted without the cloud. Count the records for the budget here, because budget
    // reservations may expire before an outage ends.
    const entries = await readSiteEntries(context.store, connectionKey, location);
    await countForBudget(context, site, opened, entries, askedAtMs);
  }
  const waitMs = error.retryAfterMs ?? BLIND_POLL_MS[error.code] ?? 2 * intervalMs(context);
  turn.loop.listFailedAtMs = 0;
  turn.loop.listFailures = 0;
  // While the cloud refuses the credential, a queued launch with a slot could only wait.
  if (error.code === 'Unauthorized') return await pollAgain(context, turn, Math.min(waitMs, BLIND_MS));
  await pollBlindly(context, site, opened, turn, waitMs);
}

/** Returns the error of a poll that saw nothing, with the time since when polls have seen nothing. */
function blindAfter({ blind }: Loop, { code, message }: DriverError, nowMs: number): Loop['blind'] {
  return { code, message: message.slice(0, MAX_WORDS), sinceMs: blind?.sinceMs ?? nowMs };
}

/**
 * Reads machines one by one and reconciles their records until the list call has ended. Sets `turn.reading` to the reads
 * that are then still under way. If the list call has failed, the poll continues with them: the same reads once more
 * would take the permits of others.
 */
async function readDuring(
  listing: Promise<Snapshot>,
  context: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
  turn: Turn,
): Promise<void> {
  const { loop } = turn;
  let isListing = true;
  const ended = listing.then(
    () => {
      isListing = false;
    },
    () => {
      isListing = false;
    },
  );
  while (isListing) {
    const reading = snapshotById(context, site, opened, loop);
    const snapshot = await Promise.race([ended, reading.then((found) => ({ found }))]);
    if (!snapshot) turn.reading = reading;
    else if (typeof snapshot.found === 'object')
      await reconcileSite({ context, site, opened, loop }, snapshot.found);
    if (isListing) await Promise.race([ended, context.store.clock.sleep(SHORTEST_POLL_MS)]);
  }
}

/** Reads machines one by one while the list call is suspended after a failure. */
async function pollById(
  context: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
  turn: Turn,
): Promise<void> {
  const snapshot = await snapshotById(context, site, opened, turn.loop);
  if (snapshot === 'late') return await pollBlindly(context, site, opened, turn, SHORTEST_POLL_MS);
  if (snapshot) return await goOn(context, site, opened, turn, snapshot);
  await pollBlindly(context, site, opened, turn, intervalMs(context));
}

/**
 * Serves the launch queue without an answer from the cloud, and schedules the next poll. While launches wait,
 * that poll comes within a minute.
 */
async function pollBlindly(
  context: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
  turn: Turn,
  waitMs: number,
): Promise<void> {
  const isWaitedFor = await serveQueue(context, site, opened);
  await pollAgain(context, turn, isWaitedFor ? Math.min(waitMs, BLIND_MS) : waitMs);
}

/**
 * Returns true if the site has only stable instances and no queue entries. Reads both again, because an instance or
 * a queue entry may have been added since the poll began. Sweeps notice what changes at such a site.
 */
async function isDeserted({ store }: WorkerContext, site: SiteRef): Promise<boolean> {
  if (!hasOnlyStable(await readSiteEntries(store, site.connectionKey, site.location))) return false;
  return (await readQueueHead(store, site, 1)).length === 0;
}

const hasOnlyStable = (entries: readonly SiteEntry[]): boolean =>
  entries.every(({ status }) => isStable(status));

async function scanQueueIfDue(
  context: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
  loop: Loop,
): Promise<void> {
  const nowMs = context.store.clock.now();
  const lastMs = loop.queueScanAtMs ?? 0;
  if (nowMs < lastMs + QUEUE_SCAN_MS) return;
  await scanQueue(context, site, opened);
  loop.queueScanAtMs = nowMs;
}

/**
 * Stores the loop's state and sends the next poll.
 *
 * @param isFast true if launches wait for slots that may become free at any time
 */
async function pollAgain(
  context: WorkerContext,
  { loop, isSent }: Turn,
  waitMs: number,
  { emptyPolls = 0, isFast = false }: { emptyPolls?: number; isFast?: boolean } = {},
): Promise<void> {
  const { connectionKey, location, generation, fastestMs, queueScanAtMs, polledAtMs, fullAtMs, entries } =
    loop;
  const ref = { driver: context.driver.name, connectionKey, location };
  const settled = await scheduleNextPoll(context.store, ref, generation, {
    nextPollAtMs: isSent ? loop.nextPollAtMs : context.store.clock.now() + waitMs,
    active: true,
    idle: false,
    emptyPolls,
    fastestMs,
    fastPolling: isFast,
    queueScanAtMs,
    polledAtMs,
    fullAtMs,
    entries,
    listFailedAtMs: loop.listFailedAtMs,
    listFailures: loop.listFailures,
    blind: loop.blind,
    isDoubted: loop.isDoubted,
    askedUpTo: loop.askedUpTo,
    askedUpToAtRest: loop.askedUpToAtRest,
    deferredReads: loop.deferredReads,
  });
  if (settled && !isSent) await sendPoll(context, loop, waitMs);
}

async function sendPoll(
  context: WorkerContext,
  { connectionKey, location, generation }: Loop,
  waitMs: number,
): Promise<void> {
  await context.send({ kind: 'poll', connectionKey, location, generation }, waitMs);
}

/** Returns the usual interval of polls, in ms. */
const intervalMs = ({ driver }: WorkerContext): number => driver.statusPollSeconds * 1_000;
