import type { DriverMetadata } from '../../drivers/contract/metadata.ts';
import { DRIVERS } from '../../drivers/registry.ts';
import type { Connection, DriverName } from '../../model/connection.ts';
import type { FleetSpec } from '../../model/fleet.ts';
import type { FleetRequest, NodeGroupRequest } from '../../model/fleet-request.ts';
import {
  DEFAULT_NETWORK_MODE,
  type GivenNetwork,
  givenAt,
  givenPointer,
  MAX_NETWORKS_BYTES,
  type NetworkChoice,
  type SiteNetwork,
  zonesOfGiven,
} from '../../model/network-choice.ts';
import type { RequestError } from './check-words.ts';

/** A node group whose connection and locations are known. */
export interface LocatedGroup {
  /** JSON pointer of the group in the request body. */
  pointer: string;
  group: NodeGroupRequest;
  connection: Connection;
  locations: readonly string[];
  /** The group's zones by location. Absent: the group has no list of zones. */
  zonesIn?: Readonly<Record<string, readonly string[]>> | undefined;
}

type Networks = NonNullable<FleetSpec['networks']>;
/** What the drivers can do, by their names. */
export type Abilities = Readonly<Record<DriverName, Pick<DriverMetadata, 'capabilities' | 'title'>>>;

/**
 * Chooses the network of each site that the groups use: that of the request, or else the default of the site's
 * connection. Finds everything that is wrong without a call to a cloud. Pure.
 */
export function chooseNetworks(
  { network }: Pick<FleetRequest, 'network'>,
  groups: readonly LocatedGroup[],
  drivers: Abilities = DRIVERS,
): { networks: Networks; errors: RequestError[] } {
  const errors: RequestError[] = [];
  const networks = new Map<string, Networks[number]>();
  for (const located of groups) {
    const { connection, locations } = located;
    for (const location of locations) {
      const chosen = chooseAt(network, located, location, drivers);
      if (chosen.network) {
        const site = { connection: connection.name, location, network: chosen.network };
        networks.set(`${connection.name}/${location}`, site);
        errors.push(...groupErrors(located, location, chosen.network));
      } else errors.push(chosen.error);
    }
  }
  const chosen = [...networks.values()];
  if (Buffer.byteLength(JSON.stringify(chosen)) > MAX_NETWORKS_BYTES)
    errors.push({
      pointer: '/network',
      code: 'too-big',
      message: `the networks of all sites of the fleet must have at most ${MAX_NETWORKS_BYTES} bytes as JSON`,
    });
  return { networks: chosen, errors: [...new Map(errors.map((one) => [keyOf(one), one])).values()] };
}

const keyOf = ({ pointer, code }: RequestError): string => `${pointer} ${code}`;

function chooseAt(
  asked: NetworkChoice | undefined,
  { pointer, group, connection }: LocatedGroup,
  location: string,
  drivers: Abilities,
): { network: SiteNetwork } | { network?: never; error: RequestError } {
  const { mode } = asked ?? connection.network ?? { mode: DEFAULT_NETWORK_MODE };
  switch (mode) {
    case 'shared':
    case 'dedicated':
      return { network: { mode } };
    case 'existing': {
      const unable = existingError(connection, drivers);
      if (unable) return { error: { pointer: asked ? '/network/mode' : `${pointer}/connection`, ...unable } };
      const own = asked?.mode === 'existing' ? givenAt(asked.existing, connection.name, location) : undefined;
      const entry = own ?? givenOf(connection, location);
      if (entry)
        return { network: { mode, given: entry.given, pointer: own ? givenPointer(own.key) : '/network' } };
      const at = group.locations.indexOf(location);
      const message = `has no network: add an entry ${location} or ${connection.name}/${location} to network.existing`;
      return { error: { pointer: `${pointer}/locations/${at}`, code: 'no-network', message } };
    }
  }
}

function givenOf({ name, network }: Connection, location: string) {
  return network?.mode === 'existing' ? givenAt(network.existing, name, location) : undefined;
}

/** Says why a connection cannot use existing networks; undefined if it can. */
export function existingError(
  { name, driver }: Pick<Connection, 'name' | 'driver'>,
  drivers: Abilities = DRIVERS,
): Omit<RequestError, 'pointer'> | undefined {
  const { capabilities, title } = drivers[driver];
  if (capabilities.includes('existing-networks')) return undefined;
  const message = `connection ${name} cannot use existing networks, because the driver for ${title} cannot check them`;
  return { code: 'unsupported', message };
}

/** Returns what a group asks for and its given network does not allow. */
function groupErrors(located: LocatedGroup, location: string, network: SiteNetwork): RequestError[] {
  if (network.mode !== 'existing') return [];
  return [...zoneErrors(located, location, network.given), ...doorErrors(located.pointer, located.group)];
}

/** A group that names several zones uses those that have a given subnet. */
function zoneErrors(
  { pointer, group, zonesIn }: LocatedGroup,
  location: string,
  given: GivenNetwork,
): RequestError[] {
  const zones = zonesOfGiven(given);
  const named = zonesIn?.[location] ?? (group.zone === undefined ? undefined : [group.zone]);
  if (!named || !zones || named.some((zone) => zones.includes(zone))) return [];
  const field = zonesIn ? 'zones' : 'zone';
  const message = `network ${given.networkId} has no subnet in ${named.join(', ')} of ${location}: subnetIds names ${zones.join(', ')}`;
  return [{ pointer: `${pointer}/${field}`, code: 'no-subnet', message }];
}

/** The given security groups are never changed. They alone decide what traffic may reach a machine. */
function doorErrors(pointer: string, { ssh, ingress }: NodeGroupRequest): RequestError[] {
  const message =
    'must be left out: in an existing network, the given security groups decide who may reach the machines';
  const fields = [
    ...(ssh?.allowFrom === undefined ? [] : ['ssh/allowFrom']),
    ...(ingress === undefined || ingress.length === 0 ? [] : ['ingress']),
  ];
  return fields.map((field) => ({ pointer: `${pointer}/${field}`, code: 'given-security-groups', message }));
}
