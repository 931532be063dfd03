import {
  AttachInternetGatewayCommand,
  CreateInternetGatewayCommand,
  CreateRouteCommand,
  CreateSubnetCommand,
  DeleteInternetGatewayCommand,
  DeleteSubnetCommand,
  DescribeInternetGatewaysCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DetachInternetGatewayCommand,
  type InternetGateway,
  type Subnet,
} from '@aws-sdk/client-ec2';
import type { NetworkZone } from '../contract/driver.ts';
import { DriverError, type DriverErrorCode } from '../contract/errors.ts';
import { subnetCidrs } from './cidr.ts';
import { type Ec2, PAGE_SIZE } from './ec2.ts';
import { unless } from './errors.ts';
import { Kept } from './kept.ts';
import { zonesOf } from './locations.ts';
import { filter, NETWORK_TAG, tagFilter, tagsFor } from './tags.ts';

const ANYWHERE = '0.0.0.0/0';

/**
 * Codes by which EC2 refuses a subnet in a zone. `Conflict`: the addresses are taken, because a concurrent call has made
 * a subnet with them. Therefore concurrent calls make only one subnet for each address range.
 */
const REFUSES_A_ZONE: readonly DriverErrorCode[] = [
  'Conflict',
  'InsufficientCapacity',
  'InvalidRequest',
  'Unsupported',
];

/**
 * Makes and removes what a VPC needs so that its machines can be reached: subnets, an internet gateway and a route.
 * Concurrent calls make each of these only once.
 */
export class NetworkParts {
  readonly #ec2: Ec2;
  readonly #zones = new Kept<string[]>();

  constructor(ec2: Ec2) {
    this.#ec2 = ec2;
  }

  /**
   * Ensures a subnet in each zone and a route to the internet.
   *
   * @param cidr the address range of the VPC
   * @returns the zones that have a subnet
   */
  async ensure(
    location: string,
    vpcId: string,
    cidr: string,
    tags: Readonly<Record<string, string>>,
  ): Promise<NetworkZone[]> {
    const [zones] = await Promise.all([
      this.#ensureSubnets(location, vpcId, cidr, tags),
      this.#ensureRoute(location, vpcId, tags),
    ]);
    return zones;
  }

  /**
   * Removes the subnets and the internet gateway of a VPC.
   *
   * @throws DriverError Conflict while a machine or a security group is in the VPC; nothing is removed then
   */
  async remove(location: string, vpcId: string): Promise<void> {
    await this.#requireEmpty(location, vpcId);
    for (const { SubnetId } of await this.#subnets(location, vpcId)) {
      await unless(['NotFound'], () => this.#ec2.send(location, new DeleteSubnetCommand({ SubnetId })));
    }
    const gateways = await Promise.all([
      this.#gateways(location, filter('attachment.vpc-id', vpcId)),
      this.#gateways(location, tagFilter(NETWORK_TAG, vpcId)),
    ]);
    const ids = new Set(gateways.flat().flatMap(({ InternetGatewayId }) => InternetGatewayId ?? []));
    for (const InternetGatewayId of ids) {
      await unless(['NotFound'], () =>
        this.#ec2.send(location, new DetachInternetGatewayCommand({ InternetGatewayId, VpcId: vpcId })),
      );
      await this.#deleteGateway(location, InternetGatewayId);
    }
  }

  /**
   * Checks that the VPC is empty. Without this check, some subnets could be deleted before EC2 refuses to delete a
   * subnet in use.
   */
  async #requireEmpty(location: string, vpcId: string): Promise<void> {
    const ofVpc = { Filters: [filter('vpc-id', vpcId)], MaxResults: PAGE_SIZE };
    const [{ NetworkInterfaces }, { SecurityGroups }] = await Promise.all([
      this.#ec2.send(location, new DescribeNetworkInterfacesCommand(ofVpc)),
      this.#ec2.send(location, new DescribeSecurityGroupsCommand(ofVpc)),
    ]);
    const inUse = [
      ...(NetworkInterfaces ?? []).map(({ NetworkInterfaceId }) => NetworkInterfaceId),
      ...(SecurityGroups ?? [])
        .filter(({ GroupName }) => GroupName !== 'default')
        .map(({ GroupId }) => GroupId),
    ];
    if (inUse.length === 0) return;
    throw new DriverError('Conflict', `VPC ${vpcId} still has ${inUse.slice(0, 3).join(', ')}`);
  }

  /**
   * Ensures a subnet in each zone. A zone in which EC2 refuses to make the subnet is left out.
   *
   * @returns the subnets, sorted by zone
   * @throws DriverError InsufficientCapacity if EC2 makes a subnet in none of the zones
   */
  async #ensureSubnets(
    location: string,
    vpcId: string,
    cidr: string,
    tags: Readonly<Record<string, string>>,
  ): Promise<NetworkZone[]> {
    const zones = await this.#zones.get(location, () => zonesOf(this.#ec2, location));
    const known = await this.#subnets(location, vpcId);
    const missing = zones.filter((zone) => !known.some(({ AvailabilityZone }) => AvailabilityZone === zone));
    const free = subnetCidrs(cidr).filter((part) => !known.some(({ CidrBlock }) => CidrBlock === part));
    const made = await Promise.all(
      missing.slice(0, free.length).map(async (zone, at) => {
        try {
          return { subnet: await this.#createSubnet(location, vpcId, { zone, part: free[at] ?? '' }, tags) };
        } catch (error) {
          if (!(error instanceof DriverError) || !REFUSES_A_ZONE.includes(error.code)) throw error;
          return { error };
        }
      }),
    );
    const isConcurrent = made.some(({ error }) => error?.code === 'Conflict');
    const present = isConcurrent
      ? await this.#subnets(location, vpcId)
      : [...known, ...made.flatMap(({ subnet }) => subnet ?? [])];
    const usable = zonesWith(present);
    if (usable.length > 0) return usable;
    const refusal = made.find(({ error }) => error)?.error;
    throw new DriverError(
      'InsufficientCapacity',
      `no zone of ${location} takes a subnet: ${refusal?.message ?? 'EC2 lists no zone that is available'}`,
      { scope: 'site', ...(refusal?.call === undefined ? {} : { call: refusal.call }), cause: refusal },
    );
  }

  async #createSubnet(
    location: string,
    vpcId: string,
    { zone, part }: { zone: string; part: string },
    tags: Readonly<Record<string, string>>,
  ): Promise<Subnet | undefined> {
    const { Subnet: made } = await this.#ec2.send(
      location,
      new CreateSubnetCommand({
        VpcId: vpcId,
        AvailabilityZone: zone,
        CidrBlock: part,
        TagSpecifications: tagsFor(['subnet'], tags),
      }),
    );
    return made;
  }

  async #ensureRoute(location: string, vpcId: string, tags: Readonly<Record<string, string>>): Promise<void> {
    const gatewayId = await this.#ensureGateway(location, vpcId, tags);
    const { RouteTables } = await this.#ec2.send(
      location,
      new DescribeRouteTablesCommand({
        Filters: [filter('vpc-id', vpcId), filter('association.main', 'true')],
      }),
    );
    const [table] = RouteTables ?? [];
    if (!table) throw new DriverError('NotFound', `VPC ${vpcId} has no route table yet`);
    if (table.Routes?.some(({ DestinationCidrBlock }) => DestinationCidrBlock === ANYWHERE)) return;
    await unless(['Conflict'], () =>
      this.#ec2.send(
        location,
        new CreateRouteCommand({
          RouteTableId: table.RouteTableId,
          DestinationCidrBlock: ANYWHERE,
          GatewayId: gatewayId,
        }),
      ),
    );
  }

  /**
   * Ensures an internet gateway. A VPC accepts only one. If another call attached its gateway first, this call removes
   * its own gateway.
   */
  async #ensureGateway(
    location: string,
    vpcId: string,
    tags: Readonly<Record<string, string>>,
  ): Promise<string> {
    const attached = async () =>
      (await this.#gateways(location, filter('attachment.vpc-id', vpcId)))[0]?.InternetGatewayId;
    const known = await attached();
    if (known !== undefined) return known;
    const { InternetGateway: made } = await this.#ec2.send(
      location,
      new CreateInternetGatewayCommand({
        TagSpecifications: tagsFor(['internet-gateway'], { ...tags, [NETWORK_TAG]: vpcId }),
      }),
    );
    const own = made?.InternetGatewayId ?? '';
    try {
      await this.#ec2.send(
        location,
        new AttachInternetGatewayCommand({ InternetGatewayId: own, VpcId: vpcId }),
      );
      return own;
    } catch (error) {
      const first = await attached();
      if (first === own) return own;
      await this.#deleteGateway(location, own);
      if (first !== undefined) return first;
      throw error;
    }
  }

  async #deleteGateway(location: string, InternetGatewayId: string): Promise<void> {
    await unless(['NotFound'], () =>
      this.#ec2.send(location, new DeleteInternetGatewayCommand({ InternetGatewayId })),
    );
  }

  async #gateways(
    location: string,
    ...Filters: { Name: string; Values: string[] }[]
  ): Promise<InternetGateway[]> {
    return await this.#ec2.all(
      (NextToken) => this.#ec2.send(location, new DescribeInternetGatewaysCommand({ Filters, NextToken })),
      ({ InternetGateways }) => InternetGateways,
    );
  }

  async #subnets(location: string, vpcId: string): Promise<Subnet[]> {
    return await this.#ec2.all(
      (NextToken) =>
        this.#ec2.send(
          location,
          new DescribeSubnetsCommand({ Filters: [filter('vpc-id', vpcId)], NextToken }),
        ),
      ({ Subnets }) => Subnets,
    );
  }
}

/** Returns the zones of subnets with one subnet each, sorted by zone. */
function zonesWith(subnets: readonly Subnet[]): NetworkZone[] {
  const all = subnets.flatMap(({ SubnetId: subnetBackendId, AvailabilityZone: zone }) =>
    subnetBackendId === undefined || zone === undefined ? [] : [{ zone, subnetBackendId }],
  );
  const byZone = new Map(all.toSorted(bySubnet).map((one) => [one.zone, one]));
  return [...byZone.values()].sort((one, other) => (one.zone < other.zone ? -1 : 1));
}

const bySubnet = (one: NetworkZone, other: NetworkZone): number =>
  (one.subnetBackendId ?? '') < (other.subnetBackendId ?? '') ? -1 : 1;
