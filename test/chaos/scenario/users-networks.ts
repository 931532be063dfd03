import { type FleetRequest, fleetRequestSchema } from '../../../functions/model/fleet-request.ts';
import type { GivenNetworks } from '../../../functions/model/network-choice.ts';
import type { ResourceRecord } from '../../../local/sim/engine/records.ts';
import type { Violation } from '../invariants/violation.ts';
import type { Lab } from '../world/lab.ts';
import type { FleetScript } from './draw-fleets.ts';
import { makeUsersNetwork, resourcesAt } from './given-networks.ts';
import type { Scenario } from './scenario.ts';

/**
 * Networks that a user has made at all sites of a scenario before its first fleet, if a fleet is to use them. Nothing but the user may change or
 * delete them.
 */
export class UsersNetworks {
  readonly #lab: Lab;
  readonly #made = new Map<string, ResourceRecord[]>();
  readonly #given: GivenNetworks = {};

  constructor(lab: Lab, { connections, clouds, fleets }: Scenario) {
    this.#lab = lab;
    if (!fleets.some(({ usesGiven }) => usesGiven)) return;
    for (const { name: connection, cloud } of connections) {
      for (const location of Object.keys(clouds[cloud]?.locations ?? {})) {
        const { given, made } = makeUsersNetwork(lab, { cloud, connection, location }, 'of-the-user');
        this.#made.set(`${cloud} ${connection} ${location}`, made);
        this.#given[`${connection}/${location}`] = given;
      }
    }
  }

  /** Returns what the user asks for. Of a `wrong` request, one network names a security group that does not exist. */
  requestOf({ request, usesGiven }: FleetScript): FleetRequest {
    if (!usesGiven) return request;
    const sites = request.nodeGroups.flatMap(({ connection, locations }) =>
      locations.map((location) => `${connection}/${location}`),
    );
    const entries = [...new Set(sites)].map((site, at) => {
      const given = this.#given[site];
      if (!given) throw new Error(`the user has no network at ${site}`);
      const isWrong = usesGiven === 'wrong' && at === 0;
      return [site, isWrong ? { ...given, securityGroupIds: ['sg-nowhere'] } : given];
    });
    const nodeGroups = request.nodeGroups.map(({ ingress: _, ssh, ...group }) => ({
      ...group,
      ...(ssh?.publicKeys ? { ssh: { publicKeys: ssh.publicKeys } } : {}),
    }));
    const network = { mode: 'existing', existing: Object.fromEntries(entries) };
    return fleetRequestSchema.parse({ ...request, network, nodeGroups });
  }

  /** Checks that each network and security group of the user is as the user made it. */
  check(): Violation[] {
    return [...this.#made].flatMap(([site, made]): Violation[] => {
      const [cloud = '', connection = '', location = ''] = site.split(' ');
      const now = resourcesAt(this.#lab, { cloud, connection, location });
      return made
        .filter((one) => {
          const found = now.find(({ backendId }) => backendId === one.backendId);
          return JSON.stringify(found) !== JSON.stringify(one);
        })
        .map(({ backendId }) => ({
          kind: 'lost',
          text: `${backendId} of a user at ${site} is not as it was`,
        }));
    });
  }
}
