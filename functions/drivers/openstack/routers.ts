import * as z from 'zod';
import { DEPLOYMENT_TAG, type NetworkSpec } from '../contract/driver.ts';
import { resourceName } from '../contract/names.ts';
import { externalNetworkSchema, type Port, type Resource, routerSchema } from './neutron-answers.ts';
import { descriptionOf, tagsOf } from './owner.ts';
import { type Region, unlessGone } from './region.ts';

/**
 * Tag, in a router's description, whose value is the id of the router's network. The tag prevents two networks of the
 * same name from sharing a router.
 */
const NETWORK_TAG = 'fleetwright:network';

const ROUTER_PORTS: ReadonlySet<string> = new Set([
  'network:router_interface',
  'network:router_interface_distributed',
  'network:ha_router_replicated_interface',
]);

export function isRouterPort({ device_owner: owner }: Port): boolean {
  return ROUTER_PORTS.has(owner);
}

/**
 * Connects a subnet to the external network, if the cloud has one. Only one router can have the subnet's gateway
 * address. If another call attached its router first, this call removes its own router.
 *
 * @param readPorts reads the ports of the network
 */
export async function ensureRouter(
  region: Region,
  deploymentId: string,
  { networkId, subnetId, spec }: { networkId: string; subnetId: string; spec: NetworkSpec },
  readPorts: () => Promise<Port[]>,
): Promise<void> {
  const outside = await findExternalNetwork(region);
  if (outside === undefined) return;
  const id =
    (await findRouters(region, deploymentId, networkId))[0]?.id ??
    (await makeRouter(region, deploymentId, networkId, outside, spec));
  try {
    await region.call('network', {
      method: 'PUT',
      path: ['routers', id, 'add_router_interface'],
      body: { subnet_id: subnetId },
      answer: z.unknown(),
    });
  } catch (error) {
    const attached = (await readPorts()).find(isRouterPort);
    if (!attached) throw error;
    if (attached.device_id !== id) await deleteRouter(region, id);
  }
}

/**
 * Detaches a network from its routers, and removes the routers that were made for this network. Other routers are not
 * removed.
 */
export async function deleteRouters(
  region: Region,
  deploymentId: string,
  networkId: string,
  ports: readonly Port[],
): Promise<void> {
  for (const { device_id: id, fixed_ips: addresses } of ports) {
    for (const { subnet_id: subnetId } of addresses) {
      await unlessGone(
        region.call('network', {
          method: 'PUT',
          path: ['routers', id, 'remove_router_interface'],
          body: { subnet_id: subnetId },
          answer: z.unknown(),
        }),
      );
    }
  }
  for (const { id } of await findRouters(region, deploymentId, networkId)) await deleteRouter(region, id);
}

async function makeRouter(
  region: Region,
  deploymentId: string,
  networkId: string,
  outside: string,
  { name, tags }: NetworkSpec,
): Promise<string> {
  const { router } = await region.call('network', {
    method: 'POST',
    path: ['routers'],
    body: {
      router: {
        name: resourceName(deploymentId, name),
        description: descriptionOf(deploymentId, { ...tags, [NETWORK_TAG]: networkId }),
        external_gateway_info: { network_id: outside },
      },
    },
    answer: z.object({ router: routerSchema }),
  });
  return router.id;
}

async function findRouters(region: Region, deploymentId: string, networkId: string): Promise<Resource[]> {
  const query = { project_id: await region.projectId() };
  const all = await region.readAll('network', {
    path: ['routers'],
    key: 'routers',
    item: routerSchema,
    query,
  });
  return all.filter(({ description }) => {
    const tags = tagsOf(description);
    return tags[DEPLOYMENT_TAG] === deploymentId && tags[NETWORK_TAG] === networkId;
  });
}

async function deleteRouter(region: Region, id: string): Promise<void> {
  await region.remove('network', ['routers', id]);
}

/**
 * Returns the id of the external network that the operator marked as the default. If no network is marked, returns the
 * id of the external network whose name comes first in the alphabet.
 */
export async function findExternalNetwork(region: Region): Promise<string | undefined> {
  const all = await region.readAll('network', {
    path: ['networks'],
    key: 'networks',
    item: externalNetworkSchema,
    query: { 'router:external': 'true', status: 'ACTIVE' },
  });
  const [first] = all.toSorted(
    (one, other) =>
      Number(other.is_default ?? false) - Number(one.is_default ?? false) ||
      one.name.localeCompare(other.name) ||
      one.id.localeCompare(other.id),
  );
  return first?.id;
}
