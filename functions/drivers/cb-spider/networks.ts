import type { Cloud } from '../../model/cloud.ts';
import type { GivenNetwork } from '../../model/network-choice.ts';
import type { NetworkFault } from '../contract/capabilities.ts';
import type {
  AllowRule,
  CloudNetworkResource,
  KeyPairSpec,
  NetworkResourceKind,
  NetworkSpec,
  SecurityGroupSpec,
} from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import { parseResourceName, resourceName } from '../contract/names.ts';
import { allResourcesSchema, anyAnswerSchema, resultSchema, vpcSchema } from './answers.ts';
import { MOST_ZONES, networkOfLowerHalf, subnetCidrs } from './cidr.ts';
import { isNotFound, saysItExists } from './errors.ts';
import { findFaults } from './given-networks.ts';
import { cbSpiderMetadata } from './metadata.ts';
import { idTransformMode } from './providers.ts';
import type { Registration, SpiderSite } from './registration.ts';
import type { SpiderTransport } from './transport.ts';

const PATHS = {
  network: 'vpc',
  'security-group': 'securitygroup',
  'key-pair': 'keypair',
} as const satisfies Record<NetworkResourceKind, string>;
const { maxNameLength } = cbSpiderMetadata;

export interface NetworksOptions {
  transport: SpiderTransport;
  registration: Registration;
  cloud: Cloud;
  deploymentId: string;
  /** True if this client only checks a new credential, which the user's connection does not use yet. */
  isTrial: boolean;
}

/**
 * Manages network resources. Their backend ids are the names that this driver gives them, because CB-Spider accepts
 * only names in its calls. CB-Spider locks a name while it handles a call for that name. Therefore even concurrent
 * calls create only one resource of a name.
 */
export class Networks {
  readonly #options: NetworksOptions;

  constructor(options: NetworksOptions) {
    this.#options = options;
  }

  /** Ensures the network. The subnet has the same name as the network, so that both names follow from the spec. */
  async ensureNetwork({ location, name, cidr }: NetworkSpec) {
    const { lowerHalf } = subnetCidrs(cidr);
    const site = await this.#options.registration.site(location);
    const Name = this.#name(name);
    const subnet = { Name, ...zoneField(site.defaultZone), IPv4_CIDR: lowerHalf };
    const existed = await this.#make(site, 'network', ['vpc'], {
      Name,
      IPv4_CIDR: cidr,
      SubnetInfoList: [subnet],
    });
    if (existed) await this.#ensureSubnet(site, Name, subnet);
    return { backendId: Name, subnetBackendId: Name };
  }

  async ensureSecurityGroup({ location, name, networkBackendId, rules }: SecurityGroupSpec) {
    const SecurityRules = rules.map(spiderRule);
    const site = await this.#options.registration.site(location);
    const Name = this.#name(name);
    await this.#make(site, 'security-group', ['securitygroup'], {
      Name,
      VPCName: networkBackendId,
      SecurityRules,
    });
    return { backendId: Name };
  }

  /**
   * Makes a key pair, because CB-Spider requires one for each machine. CB-Spider cannot import the public key of the
   * spec. Therefore the cloud generates the keys, and the driver discards the private key unread. Users cannot sign in
   * with this key pair.
   */
  async ensureKeyPair({ location, name }: KeyPairSpec) {
    const site = await this.#options.registration.site(location);
    const Name = this.#name(name);
    await this.#make(site, 'key-pair', ['keypair'], { Name });
    return { backendId: Name };
  }

  /** Finds what is wrong with a network that a user has given. */
  async verify(location: string, given: GivenNetwork): Promise<NetworkFault[]> {
    const { transport, registration } = this.#options;
    const site = await registration.site(location);
    return await findFaults({ transport, site, isOurs: (name) => this.isOurs(name) }, given);
  }

  /** Returns true if this driver gave the name to a resource. Resources that users give have other names. */
  isOurs(name: string): boolean {
    return parseResourceName(this.#options.deploymentId, name, maxNameLength) !== undefined;
  }

  /**
   * Returns the name of the network's subnet in this zone, and makes the subnet if it does not exist. Without a zone,
   * returns the subnet that was made with the network.
   */
  async subnetIn(site: SpiderSite, networkName: string, zone: string | undefined): Promise<string> {
    if (zone === undefined || zone === site.defaultZone) return networkName;
    const index = site.zones.indexOf(zone);
    if (index < 0) throw new DriverError('InvalidRequest', `${site.location} has no zone ${zone}`);
    if (index >= MOST_ZONES)
      throw new DriverError(
        'Unsupported',
        `the driver makes subnets in the first ${MOST_ZONES} zones of a location only, and ${zone} is not one of them`,
      );
    const subnets = await this.#subnets(site, networkName);
    const Name = `zone-${zone}`;
    if (subnets.has(Name)) return Name;
    const lowerHalf = subnets.get(networkName);
    if (lowerHalf === undefined)
      throw new DriverError('NotFound', `network ${networkName} has no subnet any more`);
    const { ofZone } = subnetCidrs(networkOfLowerHalf(lowerHalf));
    await this.#addSubnet(site, networkName, { Name, Zone: zone, IPv4_CIDR: ofZone(index) });
    return Name;
  }

  async find(location: string, kind: NetworkResourceKind, name: string): Promise<string | undefined> {
    const wanted = this.#name(name);
    return (await this.#names(location, kind)).find((known) => known === wanted);
  }

  async list(location: string, kind: NetworkResourceKind): Promise<CloudNetworkResource[]> {
    return (await this.#names(location, kind)).flatMap((backendId) => {
      const name = parseResourceName(this.#options.deploymentId, backendId, maxNameLength);
      return name === undefined ? [] : [{ kind, backendId, name }];
    });
  }

  async delete(location: string, kind: NetworkResourceKind, backendId: string): Promise<void> {
    const { registration, transport } = this.#options;
    const { connectionName } = await registration.site(location);
    try {
      const { Result } = await transport.call({
        location,
        method: 'DELETE',
        path: [PATHS[kind], backendId],
        body: { ConnectionName: connectionName },
        answer: resultSchema,
      });
      if (Result !== 'true') {
        throw new DriverError(
          'OutcomeUnknown',
          `CB-Spider did not confirm the deletion of ${kind} ${backendId}: ${Result}`,
        );
      }
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /**
   * Lists the names under the client's CB-Spider connection. Includes `OnlySpiderList`, the names whose resources the
   * cloud no longer has, so that a caller can delete these names in CB-Spider. Leaves out `OnlyCSPList`, the resources
   * that CB-Spider does not know, because several clouds put the resources of all their locations into that list. A
   * trial client (`isTrial`) includes `OnlyCSPList`: it has a separate CB-Spider connection, under which no names are
   * stored.
   */
  async #names(location: string, kind: NetworkResourceKind): Promise<string[]> {
    const { registration, transport } = this.#options;
    const { connectionName } = await registration.site(location);
    const { AllList } = await transport.call({
      location,
      method: 'GET',
      path: [`all${PATHS[kind]}`],
      query: { ConnectionName: connectionName },
      answer: allResourcesSchema,
      timeoutMs: 20_000,
    });
    const { MappedList, OnlySpiderList, OnlyCSPList } = AllList;
    const named = [...MappedList, ...OnlySpiderList, ...(this.#options.isTrial ? OnlyCSPList : [])];
    return named.map(({ NameId }) => NameId);
  }

  /** Makes a resource. @returns true if it already existed */
  async #make(
    { connectionName, location }: SpiderSite,
    kind: NetworkResourceKind,
    path: [string, ...string[]],
    ReqInfo: object,
  ): Promise<boolean> {
    const { transport, cloud } = this.#options;
    try {
      await transport.call({
        location,
        method: 'POST',
        path,
        body: {
          ConnectionName: connectionName,
          IDTransformMode: idTransformMode(cloud, kind),
          ReqInfo,
        },
        answer: anyAnswerSchema,
      });
      return false;
    } catch (error) {
      if (saysItExists(error)) return true;
      throw error;
    }
  }

  /** Ensures a subnet. CB-Spider stores first the network and then the subnet, and may crash between the two writes. */
  async #ensureSubnet(
    site: SpiderSite,
    networkName: string,
    subnet: { Name: string; IPv4_CIDR: string },
  ): Promise<void> {
    const subnets = await this.#subnets(site, networkName);
    if (!subnets.has(subnet.Name)) await this.#addSubnet(site, networkName, subnet);
  }

  async #addSubnet(site: SpiderSite, networkName: string, subnet: object): Promise<void> {
    // The name of a zone's subnet is unique only in its network. Therefore CB-Spider must generate the subnet's name at
    // the cloud (IDTransformMode ON).
    const body = { ConnectionName: site.connectionName, IDTransformMode: 'ON', ReqInfo: subnet };
    try {
      const path: [string, ...string[]] = ['vpc', networkName, 'subnet'];
      await this.#options.transport.call({
        location: site.location,
        method: 'POST',
        path,
        body,
        answer: anyAnswerSchema,
      });
    } catch (error) {
      if (!saysItExists(error)) throw error;
    }
  }

  async #subnets(
    { connectionName, location }: SpiderSite,
    networkName: string,
  ): Promise<Map<string, string>> {
    const { SubnetInfoList } = await this.#options.transport.call({
      location,
      method: 'GET',
      path: ['vpc', networkName],
      query: { ConnectionName: connectionName },
      answer: vpcSchema,
    });
    return new Map(SubnetInfoList.map(({ IId, IPv4_CIDR }) => [IId.NameId, IPv4_CIDR]));
  }

  #name(name: string): string {
    return resourceName(this.#options.deploymentId, name, maxNameLength);
  }
}

function zoneField(zone: string | undefined): { Zone?: string } {
  return zone === undefined ? {} : { Zone: zone };
}

/** Converts a rule. CB-Spider writes all types of ICMP as port -1, and needs both ends of the range for TCP and UDP. */
function spiderRule({ protocol, ports, source }: AllowRule) {
  if (!('cidr' in source)) {
    throw new DriverError(
      'Unsupported',
      'CB-Spider has no rules whose source is a security group: name a range of addresses',
    );
  }
  const { first, last } =
    ports ?? (protocol === 'icmp' ? { first: -1, last: -1 } : { first: 0, last: 65_535 });
  return {
    Direction: 'inbound',
    IPProtocol: protocol.toUpperCase(),
    FromPort: String(first),
    ToPort: String(last),
    CIDR: source.cidr,
  };
}
