import type { InstanceItem } from '../../platform/store/instances.ts';
import { readSiteNetworks, type SiteResource } from '../../platform/store/site-networks.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';
import { doubtResources } from '../networks/doubt-resources.ts';

/**
 * Decides whether a refused create call is repeated, because a network resource of it may be the reason: a user has
 * deleted it, or a part of it, at the cloud. Clouds say so in many ways, and some name no resource. Therefore every
 * resource that the cloud has not shown lately is made sure of again, once.
 *
 * @returns true if the call is to be repeated: a resource is being made again, or the call used one that was replaced
 */
export async function mayLackNetwork(
  context: WorkerContext,
  { fleetId, connectionKey, location, round }: InstanceItem,
): Promise<boolean> {
  const site = { connectionKey, location };
  const used = await context.networks(fleetId, site, round);
  const { items } = await readSiteNetworks(context.store, { fleetId, ...site });
  const isDoubted = await doubtResources(context, items);
  if (!isDoubted && identityOf(used) === identityOf(items)) return false;
  context.forgetNetworks(fleetId, site, round);
  return true;
}

/** Returns what tells whether two reads show the same resources. */
const identityOf = (items: readonly SiteResource[]): string =>
  JSON.stringify(
    items
      .map(({ kind, name, status, backendId, subnetBackendId, zones }) => [
        ...[kind, name, status, backendId, subnetBackendId],
        zones?.map(({ zone, subnetBackendId: subnet }) => [zone, subnet]),
      ])
      .toSorted((one, other) => String(one).localeCompare(String(other))),
  );
