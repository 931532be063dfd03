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

/**
 * Number of extra queue entries to read, because the governor may allow no call yet for some entries at the
 * head.
 */
export const SPARE_ENTRIES = 10;

/**
 * Gives slots back, and grants them to launches at the head of the launch queue in the same write. Sends each
 * launch message before it removes the queue entry. To give a slot back twice is harmless.
 *
 * If no entry leaves the queue, starts the poll loop: the worker that enqueued the entries may have crashed
 * before it started the loop.
 */
export async function freeSlots(
  context: WorkerContext,
  site: SiteRef,
  released: readonly ReleasedSlot[],
): Promise<void> {
  if (released.length === 0) return;
  const opened = await openIfPossible(context, site);
  const most = released.length + SPARE_ENTRIES;
  const first = opened ? await readQueueHead(context.store, governed(site, opened), most) : [];
  if (!opened || first.length === 0) {
    await releaseSlots(context.store, site, released);
    return;
  }
  const served = await serveEntries(context, site, opened, { first, released });
  if (served === 0) await startPolling(context, site);
}

async function openIfPossible(
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
 * Grants free slots to queued launches. Sends their messages first, with a delay until the start time of the
 * permit, then removes their entries. If a worker dies in between, another worker sends the messages a second
 * time.
 *
 * @param released slots that are given back in the same write
 * @returns number of entries that have left the queue
 */
export async function serveEntries(
  context: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
  { first, released = [] }: { first: readonly QueueEntry[]; released?: readonly ReleasedSlot[] },
): Promise<number> {
  const { store } = context;
  const [next] = first;
  if (!next) return 0;
  const { decisions, lostRace } = await permitCreates(
    store,
    governed(site, opened),
    first.map(({ wanted }) => wanted),
    { released, turn: next.tag },
  );
  if (lostRace) {
    await releaseSlots(store, site, released);
    return 0;
  }
  const nowMs = store.clock.now();
  const leaving = first.flatMap((item) => {
    const waitMs = waitAfter(decisions.get(item.wanted.instanceId), nowMs);
    return waitMs === undefined ? [] : [{ item, waitMs }];
  });
  await Promise.all(leaving.map(({ item, waitMs }) => context.send(item.message, waitMs)));
  await removeFromQueue(
    store,
    leaving.map(({ item }) => item),
  );
  return leaving.length;
}

/**
 * Returns the delay of a launch message, in ms; undefined if the launch stays queued. The message of a denied
 * launch is sent, too: when the message is delivered, the launch requests a permit again and gets the reason
 * for the denial.
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
