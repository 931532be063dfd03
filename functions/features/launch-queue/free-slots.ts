import { DriverError } from '../../drivers/contract/errors.ts';
import type { CreateDecision } from '../../platform/governor/decide-creates.ts';
import { permitCreates } from '../../platform/governor/permit-creates.ts';
import { releaseSlots } from '../../platform/governor/release-slots.ts';
import type { ReleasedSlot } from '../../platform/governor/slots.ts';
import { type QueueEntry, readQueueHead, removeFromQueue } from '../../platform/store/launch-queue.ts';
import {
  governed,
  type OpenConnection,
  type SiteRef,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import { startPolling } from '../../platform/worker/start-polling.ts';
import { isRefused } from '../connections/refusal-in-force.ts';
import { inCalls } from './share-message.ts';

/**
 * Number of queue entries to read in addition to one for each free slot. The governor may not allow the calls
 * of the first entries yet.
 */
export const SPARE_ENTRIES = 10;

/**
 * Gives slots back, and grants them to launches at the head of the launch queue in the same write. Sends a
 * launch's message before it removes the launch's queue entry. Giving a slot back twice is harmless.
 *
 * If the queue has entries and this call removes none of them, starts the poll loop. The worker that enqueued
 * the entries may have crashed before it started the loop.
 */
export async function freeSlots(
  context: WorkerContext,
  site: SiteRef,
  released: readonly ReleasedSlot[],
): Promise<void> {
  if (released.length === 0) return;
  const opened = await openIfPossible(context, site);
  const most = released.length + SPARE_ENTRIES;
  const first = opened ? await readQueueHead(context.store, site, most) : [];
  if (!opened || first.length === 0) {
    await releaseSlots(context.store, site, released);
    return;
  }
  if (isRefused(opened.connection)) {
    // Queued launches would only wait with a slot. The polls of the site end those whose time limit is over.
    await releaseSlots(context.store, site, released);
    return await startPolling(context, site);
  }
  const served = await serveEntries(context, site, opened, { first, released });
  if (served === 0) await startPolling(context, site);
}

/** Opens a connection. @returns undefined if its driver cannot, for example because there is no credential */
export async function openIfPossible(
  context: WorkerContext,
  { connectionKey }: SiteRef,
): Promise<OpenConnection | undefined> {
  try {
    return await context.open(connectionKey);
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    return undefined;
  }
}

/**
 * Grants free slots to the launches of `first`. Sends the messages of these launches, each with a delay until
 * the start time of its permit, and removes their queue entries last. If the worker dies before it has
 * removed the entries, another worker sends the messages a second time.
 *
 * @param released slots that are given back in the same write
 * @returns number of entries that this call removed from the queue
 */
export async function serveEntries(
  context: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
  { first, released = [] }: { first: readonly QueueEntry[]; released?: readonly ReleasedSlot[] },
): Promise<number> {
  const { store } = context;
  if (first.length === 0) return 0;
  // A poll serves stalled launches first, whatever their tags. The site has not reached those.
  const turn = Math.min(...first.map(({ tag }) => tag));
  const { decisions, lostRace } = await permitCreates(
    store,
    governed(site, opened),
    first.map(({ wanted }) => wanted),
    { released, turn },
  );
  if (lostRace) {
    await releaseSlots(store, site, released);
    return 0;
  }
  const nowMs = store.clock.now();
  const leaving = first.flatMap((item) => {
    const waitMs = waitAfter(decisions.get(item.wanted.instanceId), nowMs);
    const call = callOf(decisions.get(item.wanted.instanceId));
    return waitMs === undefined ? [] : [{ item, message: item.message, waitMs, call }];
  });
  await Promise.all(inCalls(leaving).map(({ message, waitMs }) => context.send(message, waitMs)));
  await removeFromQueue(
    store,
    leaving.map(({ item }) => item),
  );
  return leaving.length;
}

const callOf = (decision: CreateDecision | undefined): string | undefined =>
  decision?.action === 'allow' || decision?.action === 'scheduleAt' ? decision.call : undefined;

/**
 * Returns the delay of a launch message, in ms; undefined if the launch stays queued. The message of a denied
 * launch is sent without a delay: the worker that receives the message requests a permit again, and gets the
 * reason for the denial.
 */
function waitAfter(decision: CreateDecision | undefined, nowMs: number): number | undefined {
  switch (decision?.action) {
    case 'allow':
    case 'deny':
      return 0;
    case 'scheduleAt':
      return Math.max(0, decision.startMs - nowMs);
    case 'queue':
    case undefined:
      return undefined;
  }
}
