import type { CloudClient } from '../../drivers/contract/driver.ts';
import { parseInstanceId } from '../../model/identifiers.ts';
import { readSiteNetworks } from '../../platform/store/site-networks.ts';
import type { SiteRef, WorkerContext } from '../../platform/worker/context.ts';

/**
 * Returns true if the cloud lists, for the client's credential, a network of at least one fleet of the given
 * instances. A fleet keeps its network, or uses a shared one, until none of its machines exists. The network therefore
 * proves the account, even if machines in Terminating no longer exist.
 *
 * @param instanceIds ids of instances at the site
 * @throws DriverError if the list call fails
 */
export async function showsNetworkOf(
  { store }: Pick<WorkerContext, 'store'>,
  { connectionKey, location }: SiteRef,
  instanceIds: readonly string[],
  client: CloudClient,
): Promise<boolean> {
  const fleetIds = new Set(instanceIds.flatMap((id) => parseInstanceId(id)?.fleetId ?? []));
  const recorded = await Promise.all(
    [...fleetIds].map((fleetId) => readSiteNetworks(store, { fleetId, connectionKey, location })),
  );
  const wanted = new Set(
    recorded
      .flatMap(({ items }) => items)
      .flatMap(({ kind, backendId }) => (kind === 'network' ? (backendId ?? []) : [])),
  );
  if (wanted.size === 0) return false;
  const shown = await client.listNetworkResources(location, 'network');
  return shown.some(({ backendId }) => wanted.has(backendId));
}
