import { isShared, type SiteResource } from '../../platform/store/site-networks.ts';
import type { SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import { wantedNetworks } from './wanted.ts';

/**
 * Returns the network resources that a fleet uses at a site, if everything that it needs there is Ready; else none.
 *
 * Another worker may have joined the shared resources, which are Ready because other fleets use them, and not yet have
 * written the records of the fleet's own. The resources that can be seen are then Ready, and not all of them.
 */
export async function readyNetworks(
  context: WorkerContext,
  fleetId: string,
  site: SiteRef,
  round: number,
): Promise<SiteResource[]> {
  const items = await context.networks(fleetId, site, round);
  if (items.length === 0) return [];
  const { own, shared } = await wantedNetworks(context, fleetId, site);
  const hasOwn = own.every(({ name }) => items.some((item) => !isShared(item) && item.name === name));
  const hasShared = shared.every(({ identity }) =>
    items.some((item) => isShared(item) && item.identity === identity),
  );
  if (hasOwn && hasShared) return items;
  context.forgetNetworks(fleetId, site, round);
  return [];
}
