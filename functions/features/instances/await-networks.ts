import type { Failure } from '../../model/failure.ts';
import { groupAt } from '../../platform/placement/lay-out.ts';
import { readPlacement } from '../../platform/store/placements.ts';
import type { SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import type { Attempt } from '../launch-queue/attempt.ts';
import { isOpen } from '../networks/await-quota.ts';
import { ensureNetworks } from '../networks/prepare.ts';
import { readyNetworks } from '../networks/ready-networks.ts';
import { refusalAt } from '../networks/verify-site.ts';
import { untriedLocations } from './attempt-elsewhere.ts';

/** Delay of a launch whose network resources another worker is making, in ms. */
const TAKEN_OVER_MS = 1_000;

export interface AwaitedNetworks {
  ready: Attempt[];
  waiting: (Attempt & { waitMs: number })[];
  failed: (Attempt & { failure: Failure })[];
  /** Attempts that the launch gate stops: their fleet no longer launches at this site. */
  stopped: Attempt[];
}

/**
 * Groups attempts by whether their fleet has its network resources at the site. The workflow creates these
 * resources before it launches at a site. If only instances that moved after a failure are at a site, this
 * function creates the resources.
 */
export async function awaitNetworks(
  context: WorkerContext,
  site: SiteRef,
  attempts: readonly Attempt[],
): Promise<AwaitedNetworks> {
  const parts: AwaitedNetworks = { ready: [], waiting: [], failed: [], stopped: [] };
  for (const [fleetId, ofFleet] of Map.groupBy(attempts, ({ message }) => message.fleetId)) {
    const round = Math.max(...ofFleet.map(({ message }) => message.round));
    const refusal = await refusalAt(context, fleetId, site);
    if (refusal) {
      parts.failed.push(...ofFleet.map((one) => ({ ...one, failure: refusal })));
      continue;
    }
    if ((await readyNetworks(context, fleetId, site, round)).length > 0) {
      parts.ready.push(...ofFleet);
      continue;
    }
    const placement = await readPlacement(context.store, fleetId, site.connectionKey, site.location);
    const { blocked } = placement ?? {};
    const answer = blocked ? { failure: blocked } : await ensureNetworks(context, fleetId, site);
    // Another worker may have taken over the claim of a resource that this worker was slow to make. Its record is then
    // not Ready yet.
    const isReady = answer === 'ready' && (await readyNetworks(context, fleetId, site, round)).length > 0;
    if (isReady) parts.ready.push(...ofFleet);
    else if (answer === 'ready')
      parts.waiting.push(...ofFleet.map((one) => ({ ...one, waitMs: TAKEN_OVER_MS })));
    else if (answer === 'stopped') parts.stopped.push(...ofFleet);
    else if ('waitMs' in answer && answer.short)
      await divide(context, site, ofFleet, { waitMs: answer.waitMs, failure: answer.short }, parts);
    else if ('waitMs' in answer)
      parts.waiting.push(...ofFleet.map((one) => ({ ...one, waitMs: answer.waitMs })));
    else parts.failed.push(...ofFleet.map((one) => ({ ...one, failure: answer.failure })));
  }
  return parts;
}

/**
 * Divides attempts whose fleet waits for a quota of network resources. An attempt that may continue in another location
 * fails here, so that its instance moves there. An attempt whose time is over fails, too. The others wait.
 */
async function divide(
  context: WorkerContext,
  site: SiteRef,
  attempts: readonly Attempt[],
  { waitMs, failure }: { waitMs: number; failure: Failure },
  parts: AwaitedNetworks,
): Promise<void> {
  const open = new Map<string, Promise<boolean>>();
  for (const one of attempts) {
    const { message, record } = one;
    const { placements } = await context.layout(message.fleetId);
    const group = groupAt(placements, message.index)?.group;
    const tried = record?.round === message.round ? record.tried : [];
    const left = group ? untriedLocations(group, site.location, tried, message.index) : [];
    const isOver = record?.status === 'Planned' && record.deadlineAtMs <= context.store.clock.now();
    let mayLeave = false;
    for (const location of left) {
      const known = open.get(location) ?? isOpen(context, message.fleetId, site, location);
      open.set(location, known);
      mayLeave ||= await known;
    }
    if (isOver) parts.failed.push({ ...one, failure });
    else if (mayLeave) parts.failed.push({ ...one, failure: { ...failure, wouldWait: true } });
    else parts.waiting.push({ ...one, waitMs });
  }
}
