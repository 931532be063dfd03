import type { Failure } from '../../model/failure.ts';
import { readPlacement } from '../../platform/store/placements.ts';
import type { SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import type { Attempt } from '../launch-queue/attempt.ts';
import { ensureNetworks } from '../networks/prepare.ts';

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
    if ((await context.networks(fleetId, site, round)).length > 0) {
      parts.ready.push(...ofFleet);
      continue;
    }
    const placement = await readPlacement(context.store, fleetId, site.connectionKey, site.location);
    const { blocked } = placement ?? {};
    const answer = blocked ? { failure: blocked } : await ensureNetworks(context, fleetId, site);
    if (answer === 'ready') parts.ready.push(...ofFleet);
    else if (answer === 'stopped') parts.stopped.push(...ofFleet);
    else if ('waitMs' in answer)
      parts.waiting.push(...ofFleet.map((one) => ({ ...one, waitMs: answer.waitMs })));
    else parts.failed.push(...ofFleet.map((one) => ({ ...one, failure: answer.failure })));
  }
  return parts;
}
