import pLimit from 'p-limit';
import { isHead, readShared, type SharedItem, withdraw } from '../../platform/store/shared-networks.ts';
import {
  ACK,
  type MessageResult,
  requeueAfter,
  type SiteRef,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import type { RemoveUnusedMessage } from '../../platform/workflow/messages.ts';
import { removeResource } from './remove-resource.ts';

const CONCURRENT_DELETIONS = 10;
/** Clouds release a removed security group a moment after they answer the removal call. */
const RELEASED_MS = 5_000;
/**
 * After this number of failed tries of a removal, the message ends. Sweeps of the site, and the command `network remove`,
 * send another one.
 */
const MOST_TRIES = 12;

/** Which unused resources are removed: all but networks (`access`), or all. */
export interface UnusedRemoval {
  /** Time for which a resource must have been unused, in ms. */
  graceMs: number;
  what: 'access' | 'all';
  /** Time at which a user last asked for the removal. */
  askedAtMs?: number | undefined;
}

/**
 * Removes the shared network resources of a site that no fleet has used for the grace period. Security groups and key
 * pairs go first. A network is taken out of use when no security group is left in it. A record is closed only when the
 * cloud confirms that the resource no longer exists.
 *
 * @returns the delay until the next try, in ms, if something is left to remove, and the number of failed tries
 */
export async function removeUnused(
  context: WorkerContext,
  site: SiteRef,
  { graceMs, what, askedAtMs }: UnusedRemoval,
): Promise<{ waitMs?: number; tries: number }> {
  const { store } = context;
  const items = await readShared(store, site);
  const isWanted = ({ kind }: SharedItem) => what === 'all' || kind !== 'network';
  const wanted = items.filter(isWanted);
  const leaving = wanted.filter((item) => !isHead(item));
  const unused = wanted.filter((item) => isUnused(item, store.clock.now() - graceMs));
  const waits: number[] = [];
  for (const head of unused) {
    const claimedMs = head.claimUntilMs - store.clock.now();
    const isOccupied = head.kind === 'network' && items.some((one) => one.networkName === head.name);
    if (claimedMs > 0 || isOccupied) waits.push(claimedMs > 0 ? claimedMs : RELEASED_MS);
    else {
      const removing = await withdraw(store, head);
      if (removing) leaving.push(removing);
    }
  }
  const removals = await removeAll(context, site, leaving, askedAtMs);
  waits.push(...removals);
  const tries = Math.max(0, ...leaving.map(({ stuck }) => stuck?.tries ?? 0));
  return { ...(waits.length > 0 ? { waitMs: Math.max(...waits) } : {}), tries };
}

/** Returns the delays of the removals that are to be tried again. */
async function removeAll(
  context: WorkerContext,
  site: SiteRef,
  leaving: readonly SharedItem[],
  askedAtMs: number | undefined,
): Promise<number[]> {
  if (leaving.length === 0) return [];
  const opened = await context.open(site.connectionKey);
  const limit = pLimit(CONCURRENT_DELETIONS);
  const removals = await Promise.all(
    leaving.map((item) =>
      limit(() => removeResource(context, site, opened, item, { scope: 'fleet', askedAtMs })),
    ),
  );
  return removals.flatMap((one) => (one === 'gone' ? [] : [one.waitMs]));
}

/** Returns true if no fleet has used the resource since `sinceMs`. */
const isUnused = (item: SharedItem, sinceMs: number): boolean =>
  isHead(item) && item.users === 0 && item.leftAtMs <= sinceMs;

/** Handles the message that removes unused resources after the grace period. */
export async function handleUnused(
  context: WorkerContext,
  { connectionKey, location, dueAtMs, graceMs, askedAtMs }: RemoveUnusedMessage,
): Promise<MessageResult> {
  const nowMs = context.store.clock.now();
  if (dueAtMs > nowMs) return requeueAfter(dueAtMs - nowMs);
  const site = { connectionKey, location };
  const { waitMs, tries } = await removeUnused(context, site, { graceMs, what: 'all', askedAtMs });
  return waitMs === undefined || tries >= MOST_TRIES ? ACK : requeueAfter(waitMs);
}

/** Sends the message that removes a site's unused resources after the grace period, if there is an unused one. */
export async function unusedLater(context: WorkerContext, site: SiteRef): Promise<void> {
  const { store, sharedNetworks } = context;
  const nowMs = store.clock.now();
  const items = await readShared(store, site);
  if (!items.some((item) => isUnused(item, nowMs))) return;
  const { graceMs } = sharedNetworks;
  const message: RemoveUnusedMessage = { kind: 'remove-unused', ...site, dueAtMs: nowMs + graceMs, graceMs };
  await context.send(message, graceMs);
}

/** Time in ms after which a removal is overdue: the message that should have made it was lost. */
const OVERDUE_MS = 60_000;

/**
 * Sends the message again if a shared resource should have been removed by now. Sweeps call this, so that a lost message
 * leaves nothing behind.
 */
export async function chaseUnused(context: WorkerContext, site: SiteRef): Promise<void> {
  const { store, sharedNetworks } = context;
  const nowMs = store.clock.now();
  const { graceMs } = sharedNetworks;
  const items = await readShared(store, site);
  const isOverdue = (item: SharedItem) =>
    isHead(item)
      ? isUnused(item, nowMs - graceMs - OVERDUE_MS)
      : Math.max(item.claimUntilMs, item.stuck?.nextTryAtMs ?? 0) + OVERDUE_MS < nowMs;
  if (items.some(isOverdue))
    await context.send({ kind: 'remove-unused', ...site, dueAtMs: nowMs, graceMs }, 0);
}
