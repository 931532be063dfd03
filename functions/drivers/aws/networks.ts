import { CreateVpcCommand, DeleteVpcCommand, DescribeVpcsCommand, type Vpc } from '@aws-sdk/client-ec2';
import {
  type CloudNetworkResource,
  DEPLOYMENT_TAG,
  type EnsuredNetwork,
  type NetworkSpec,
} from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import { parseResourceName, resourceName } from '../contract/names.ts';
import { subnetCidrs } from './cidr.ts';
import type { Ec2 } from './ec2.ts';
import { unless } from './errors.ts';
import { type NetworkClaim, NetworkClaims } from './network-claims.ts';
import { NetworkParts } from './network-parts.ts';
import { isOf, NAME_TAG, tagFilter, tagsFor, tagValue } from './tags.ts';
import { whenVisible } from './visible.ts';

/**
 * A claim (`network-claims.ts`) says which VPC has a network's name. If a claim is older than this number of ms and its
 * VPC does not exist, the VPC was deleted. The claim is then deleted, too.
 */
const CLAIM_STALE_MS = 120_000;

/**
 * Manages networks. Each network is a VPC with a subnet in every zone, an internet gateway and a route to the gateway.
 */
export class Networks {
  readonly #ec2: Ec2;
  readonly #deploymentId: string;
  readonly #claims: NetworkClaims;
  readonly #parts: NetworkParts;

  constructor(ec2: Ec2, deploymentId: string) {
    this.#ec2 = ec2;
    this.#deploymentId = deploymentId;
    this.#claims = new NetworkClaims(ec2, deploymentId);
    this.#parts = new NetworkParts(ec2);
  }

  /** Ensures the network. A zone in which EC2 makes no subnet is left out of the answer. */
  async ensure({ location, name, cidr, tags }: NetworkSpec): Promise<EnsuredNetwork> {
    subnetCidrs(cidr);
    const called = resourceName(this.#deploymentId, name);
    const all = { ...tags, [NAME_TAG]: called, [DEPLOYMENT_TAG]: this.#deploymentId };
    const claim = await this.#claims.find(location, called);
    const winner = claim
      ? await this.#claimed(location, claim)
      : await this.#claimVpc(location, called, cidr, all);
    await this.#removeLosers(location, called, winner.VpcId ?? '');
    const zones = await whenVisible(this.#ec2.clock, () =>
      this.#parts.ensure(location, winner.VpcId ?? '', winner.CidrBlock ?? cidr, all),
    );
    return { backendId: winner.VpcId ?? '', zones };
  }

  async find(location: string, name: string): Promise<string | undefined> {
    const called = resourceName(this.#deploymentId, name);
    const claim = await this.#claims.find(location, called).catch((error: unknown) => {
      if (error instanceof DriverError && error.code === 'Conflict') return undefined;
      throw error;
    });
    if (claim) return claim.vpcId;
    const named = await this.#vpcs(location, [tagFilter(NAME_TAG, called)]);
    return named.find((vpc) => isOf(this.#deploymentId, vpc))?.VpcId;
  }

  /** Lists the networks. Includes claims whose VPC no longer exists, so that callers can delete these claims, too. */
  async list(location: string): Promise<CloudNetworkResource[]> {
    const [vpcs, claims] = await Promise.all([
      this.#vpcs(location, [tagFilter(DEPLOYMENT_TAG, this.#deploymentId)]),
      this.#claims.list(location),
    ]);
    const byVpc = new Map(claims.map((claim) => [claim.vpcId, claim]));
    const called = new Map([
      ...claims.map(({ vpcId, name }) => [vpcId, name] as const),
      ...vpcs.map(({ VpcId = '', Tags }) => [VpcId, tagValue(Tags, NAME_TAG) ?? VpcId] as const),
    ]);
    return [...called].map(([backendId, name]) => {
      const createdAt = byVpc.get(backendId)?.createdAt;
      return {
        kind: 'network',
        backendId,
        name: parseResourceName(this.#deploymentId, name) ?? name,
        ...(createdAt ? { createdAt: createdAt.toISOString() } : {}),
      };
    });
  }

  async delete(location: string, vpcId: string): Promise<void> {
    await this.#parts.remove(location, vpcId);
    await this.#deleteVpc(location, vpcId);
    // The claim is released last, so that `list` shows the network until its VPC is deleted.
    await this.#claims.release(location, vpcId);
  }

  /**
   * Creates a VPC, or reuses a VPC of this name that an earlier call created and did not claim. Then claims the name
   * for that VPC. @returns the VPC that has the name; another call may have claimed the name first
   */
  async #claimVpc(
    location: string,
    called: string,
    CidrBlock: string,
    tags: Record<string, string>,
  ): Promise<Vpc> {
    const named = await this.#vpcs(location, [tagFilter(NAME_TAG, called)]);
    const foreign = named.find((vpc) => !isOf(this.#deploymentId, vpc));
    if (foreign) {
      throw new DriverError(
        'Conflict',
        `the VPC ${foreign.VpcId}, called ${called}, does not belong to this deployment`,
      );
    }
    const own = named[0] ?? (await this.#create(location, CidrBlock, tags));
    const vpcId = own.VpcId ?? '';
    const winner = await this.#claims.claim(location, called, vpcId, tags);
    if (winner === vpcId) return own;
    // Another call claimed the name first. This call's own VPC is deleted by its id, because a list may not show the
    // VPC yet.
    await this.#deleteVpc(location, vpcId);
    return await this.#byId(location, winner);
  }

  async #create(location: string, CidrBlock: string, tags: Record<string, string>): Promise<Vpc> {
    const { Vpc: made } = await this.#ec2.send(
      location,
      new CreateVpcCommand({ CidrBlock, TagSpecifications: tagsFor(['vpc'], tags) }),
    );
    if (made?.VpcId !== undefined) return made;
    throw new DriverError('OutcomeUnknown', 'ec2:CreateVpc: the answer has no VPC');
  }

  async #claimed(location: string, { vpcId, createdAt }: NetworkClaim): Promise<Vpc> {
    try {
      return await this.#byId(location, vpcId);
    } catch (error) {
      if (!(error instanceof DriverError) || error.code !== 'NotFound') throw error;
      const isStale = createdAt !== undefined && createdAt.getTime() < this.#ec2.clock.now() - CLAIM_STALE_MS;
      if (isStale) await this.delete(location, vpcId);
      throw new DriverError('Unavailable', `EC2 does not show the VPC ${vpcId} of this network yet`, {
        cause: error,
      });
    }
  }

  /** Deletes the other VPCs of a claimed name. The other VPCs are empty, because only the claimed VPC is ever used. */
  async #removeLosers(location: string, called: string, winner: string): Promise<void> {
    const named = await this.#vpcs(location, [
      tagFilter(NAME_TAG, called),
      tagFilter(DEPLOYMENT_TAG, this.#deploymentId),
    ]);
    for (const { VpcId } of named) {
      if (VpcId !== undefined && VpcId !== winner) await this.#deleteVpc(location, VpcId);
    }
  }

  async #byId(location: string, vpcId: string): Promise<Vpc> {
    return await whenVisible(this.#ec2.clock, async () => {
      const { Vpcs } = await this.#ec2.send(location, new DescribeVpcsCommand({ VpcIds: [vpcId] }));
      const [vpc] = Vpcs ?? [];
      if (vpc) return vpc;
      throw new DriverError('NotFound', `region ${location} has no VPC ${vpcId}`);
    });
  }

  async #deleteVpc(location: string, VpcId: string): Promise<void> {
    await unless(['NotFound'], () => this.#ec2.send(location, new DeleteVpcCommand({ VpcId })));
  }

  async #vpcs(location: string, Filters: { Name: string; Values: string[] }[]): Promise<Vpc[]> {
    return await this.#ec2.all(
      (NextToken) => this.#ec2.send(location, new DescribeVpcsCommand({ Filters, NextToken })),
      ({ Vpcs }) => Vpcs,
    );
  }
}
