import type { GivenNetwork } from '../../../functions/model/network-choice.ts';
import { plantResource } from '../../../local/sim/engine/plant.ts';
import type { ResourceRecord } from '../../../local/sim/engine/records.ts';
import type { Lab } from '../world/lab.ts';

export interface CloudSite {
  cloud: string;
  /** The account. */
  connection: string;
  location: string;
}

/** A network that a user has made at a cloud, with a security group in it. */
export interface UsersNetwork {
  given: GivenNetwork & { subnetIds: Record<string, string> };
  /** What the cloud has of it, as it was when the user made it. */
  made: ResourceRecord[];
}

/** Makes a network and a security group at a cloud, as a user does without Fleetwright. */
export function makeUsersNetwork({ clouds }: Lab, site: CloudSite, name: string): UsersNetwork {
  const { world } = clouds.engine;
  const tags = { owner: 'the network team' };
  const network = plantResource(world, { ...site, kind: 'network', name, tags });
  const group = plantResource(world, {
    ...site,
    kind: 'security-group',
    name: `${name}-group`,
    tags,
    networkId: network.backendId,
  });
  const zones = world.config.clouds[site.cloud]?.locations[site.location]?.zones ?? [];
  return {
    given: {
      networkId: network.backendId,
      subnetIds: Object.fromEntries(zones.map((zone) => [zone, network.subnetId ?? ''])),
      securityGroupIds: [group.backendId],
    },
    made: [network, group],
  };
}

/** Returns all network resources that a cloud has at a site. */
export function resourcesAt({ clouds }: Lab, { cloud, connection, location }: CloudSite): ResourceRecord[] {
  const { state } = clouds.engine.world;
  return [...state.site({ cloud, account: connection, location }).resources.values()];
}
