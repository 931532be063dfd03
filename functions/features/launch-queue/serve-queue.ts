import { readSiteState } from '../../platform/governor/hold-location.ts';
import { type Holders, heldNow, MOST_HELD } from '../../platform/governor/slots.ts';
import {
  type QueueEntry,
  readQueue,
  readQueueHead,
  removeFromQueue,
} from '../../platform/store/launch-queue.ts';
import { type PlacementItem, readPlacement } from '../../platform/store/placements.ts';
import {
  governed,
  type OpenConnection,
  type SiteRef,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import { isRefused } from '../connections/refusal-in-force.ts';
import { SPARE_ENTRIES, serveEntries } from './free-slots.ts';
import { waitEndsAtMs } from './refused-wait.ts';
import { together } from './share-message.ts';

/**
 * Time after the start time of a launch's permit, in ms. If the launch is still queued after this time, the
 * worker that granted the permit counts as dead, and the launch is served again.
 */
export const STALLED_MS = 5_000;
/** Interval of queue scans, in ms. */
export const QUEUE_SCAN_MS = 5_000;
/** Maximum number of free slots that one poll grants. A cloud without slots has room for more launches than one poll sends. */
const MOST_SERVED = 1_000;
const LONG_MS = 90_000;

/**
 * Serves the launch queue of a site: grants free slots, and resumes launches whose worker died.
 *
 * @param seenStalled instance ids of stalled slot holders: their permits started more than STALLED_MS ago,
 *   and the cloud does not show that it accepted their create calls. Stalled launches in the queue are served
 *   first, because they may hold all slots. Absent if the cloud gave no answer: each slot holder whose permit
 *   started more than STALLED_MS ago then counts as stalled
 * @returns true if launches are left in the queue; false if the queue is empty, or if the budget allows no
 *   launch for LONG_MS
 */
export async function serveQueue(
  context: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
  seenStalled?: ReadonlySet<string>,
): Promise<boolean> {
  const { store } = context;
  const [head] = await readQueueHead(store, site, 1);
  if (!head) return false;
  // While the cloud refuses the credential, a launch with a slot could only wait.
  if (isRefused(opened.connection)) return true;
  const nowMs = store.clock.now();
  const state = await readSiteState(store, site);
  // The budget allows no launch for LONG_MS. The poll loop may therefore end. A schedule restarts the loop
  // each minute, and the polls of the loop serve the queue.
  if (state?.budget && state.budget.untilMs > nowMs + LONG_MS) return false;
  const holders = heldNow(state?.holders ?? {}, nowMs);
  const stalled = seenStalled ?? stalledAmong(holders, nowMs);
  const slots = governed(site, opened).limits.concurrentInstancesPerLocation ?? MOST_HELD;
  const free = Math.min(MOST_SERVED, slots - Object.keys(holders).length);
  const grantedMs = holders[head.wanted.instanceId];
  const isUnsent = grantedMs !== undefined && grantedMs + STALLED_MS < nowMs;
  if (free <= 0 && !isUnsent && stalled.size === 0) return true;
  const limit = Math.max(0, free) + SPARE_ENTRIES;
  const isStalled = ({ wanted }: QueueEntry) => stalled.has(wanted.instanceId);
  const first =
    stalled.size === 0
      ? await readQueueHead(store, site, limit)
      : (await readQueue(store, site))
          .toSorted((a, b) => Number(isStalled(b)) - Number(isStalled(a)))
          .slice(0, stalled.size + limit);
  const left = first.length - (await serveEntries(context, site, opened, { first }));
  return left > 0 || (await readQueueHead(store, site, 1)).length > 0;
}

/** Returns the instance ids of slot holders whose permit started more than STALLED_MS ago. */
function stalledAmong(holders: Holders, nowMs: number): Set<string> {
  return new Set(
    Object.entries(holders).flatMap(([id, startMs]) => (startMs + STALLED_MS < nowMs ? [id] : [])),
  );
}

/**
 * Scans the whole launch queue of a site. Removes the entry of each launch that the launch gate stops, and
 * sends the launch's message, so that a worker cancels the launch. If the cloud refuses the credential, does the same
 * for each launch that has waited until its time limit, so that a worker fails it.
 */
export async function scanQueue(
  context: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
): Promise<void> {
  const { store } = context;
  const leaving: QueueEntry[] = [];
  const byFleet = Map.groupBy(await readQueue(store, site), ({ wanted }) => wanted.fleetId);
  for (const [fleetId, items] of byFleet) {
    const placement = await readPlacement(store, fleetId, site.connectionKey, site.location);
    if (placement?.launching !== 'on') leaving.push(...items);
    else leaving.push(...(await lateAmong(context, opened, placement, items)));
  }
  const messages = together(leaving.map(({ message }) => ({ message, waitMs: 0 })));
  await Promise.all(messages.map(({ message, waitMs }) => context.send(message, waitMs)));
  await removeFromQueue(store, leaving);
}

/** Returns the launches that have waited for their connection until their time limit. */
async function lateAmong(
  context: WorkerContext,
  { connection }: OpenConnection,
  placement: Pick<PlacementItem, 'openedAtMs'>,
  items: readonly QueueEntry[],
): Promise<QueueEntry[]> {
  if (!isRefused(connection) || connection.failedAt === undefined) return [];
  const refusedMs = Date.parse(connection.failedAt);
  const nowMs = context.store.clock.now();
  const late = await Promise.all(
    items.map(async (item) => {
      const endsAtMs = await waitEndsAtMs(context, item.message, placement, refusedMs);
      return endsAtMs <= nowMs ? [item] : [];
    }),
  );
  return late.flat();
}
