import type * as z from 'zod';
import { type Image, type InstanceType, type Location, type Offer, offerId } from '../../model/cloud.ts';
import type { Reboot } from '../contract/capabilities.ts';
import type {
  CloudClient,
  CloudInstance,
  CloudNetworkResource,
  InstanceSpec,
  KeyPairSpec,
  NetworkResourceKind,
  NetworkSpec,
  SecurityGroupSpec,
  VerifiedCredential,
} from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import { machineName, parseMachineName, parseResourceName, resourceName } from '../contract/names.ts';
import { encodedUserData } from '../contract/user-data.ts';
import {
  accountSchema,
  cloudInstance,
  emptySchema,
  imageSchema,
  regionSchema,
  resourceSchema,
  serverSchema,
  sizeSchema,
} from './answers.ts';
import type { Transport } from './transport.ts';

type Resource = z.infer<typeof resourceSchema>;

const FOLDERS: Readonly<Record<NetworkResourceKind, string>> = {
  network: 'networks',
  'security-group': 'security-groups',
  'key-pair': 'key-pairs',
};

/**
 * Connects to one project at the cloud. The cloud has no tags. Therefore the name of a resource tells whether the
 * resource belongs to this deployment. The name of a machine contains the machine's launch token.
 */
export class TemplateClient implements CloudClient, Reboot {
  readonly #transport: Transport;
  readonly #deploymentId: string;

  constructor(transport: Transport, deploymentId: string) {
    this.#transport = transport;
    this.#deploymentId = deploymentId;
  }

  async verifyCredential(): Promise<VerifiedCredential> {
    const { id } = await this.#transport.call({ method: 'GET', path: ['account'], answer: accountSchema });
    return { account: id };
  }

  async listLocations(): Promise<Location[]> {
    const regions = await this.#transport.readAll(['regions'], regionSchema);
    return regions.map(({ id, title, zones, up }) => ({
      name: id,
      displayName: title,
      zones,
      available: up,
    }));
  }

  async listOffers(location: string): Promise<{ instanceTypes: InstanceType[]; offers: Offer[] }> {
    const sizes = await this.#transport.readAll(['regions', location, 'sizes'], sizeSchema);
    return {
      instanceTypes: sizes.map(({ id, cpus, memoryMb, architecture }) => ({
        name: id,
        vcpus: cpus,
        memoryGb: memoryMb / 1_024,
        architecture,
      })),
      offers: sizes.map(({ id, usdPerHour, inStock }) => ({
        id: offerId(location, undefined, id),
        location,
        instanceType: id,
        ...(usdPerHour === undefined ? {} : { priceUsdPerHour: usdPerHour }),
        available: inStock,
      })),
    };
  }

  async listImages(location: string): Promise<Image[]> {
    const images = await this.#transport.readAll(['regions', location, 'images'], imageSchema);
    return images.map(({ id, name, title, architecture }) => ({
      name,
      location,
      backendId: id,
      description: title,
      architectures: [architecture],
      available: true,
    }));
  }

  async ensureNetwork({ location, name, cidr }: NetworkSpec) {
    const { id, subnetId } = await this.#ensure(location, 'network', name, { cidr });
    return { backendId: id, ...(subnetId === undefined ? {} : { subnetBackendId: subnetId }) };
  }

  async ensureSecurityGroup({ location, name, networkBackendId, rules }: SecurityGroupSpec) {
    const inbound = rules.map(({ protocol, ports, source }) => {
      if ('cidr' in source) return { protocol, ports, from: source.cidr };
      // The driver does not name the feature `group-sources`. Therefore no request gets here.
      throw new DriverError('Unsupported', 'the cloud has no rules whose source is a security group');
    });
    const body = { networkId: networkBackendId, inbound };
    return { backendId: (await this.#ensure(location, 'security-group', name, body)).id };
  }

  async ensureKeyPair({ location, name, publicKey }: KeyPairSpec) {
    return { backendId: (await this.#ensure(location, 'key-pair', name, { publicKey })).id };
  }

  async findNetworkResource(location: string, kind: NetworkResourceKind, name: string) {
    return (await this.#find(location, kind, name))?.id;
  }

  async listNetworkResources(location: string, kind: NetworkResourceKind): Promise<CloudNetworkResource[]> {
    const resources = await this.#readResources(location, kind);
    return resources.flatMap(({ id, name, createdAt }) => {
      const ours = parseResourceName(this.#deploymentId, name);
      if (ours === undefined) return [];
      return [{ kind, backendId: id, name: ours, ...(createdAt === undefined ? {} : { createdAt }) }];
    });
  }

  async deleteNetwork(location: string, backendId: string): Promise<void> {
    await this.#remove(location, FOLDERS.network, backendId);
  }

  async deleteSecurityGroup(location: string, backendId: string): Promise<void> {
    await this.#remove(location, FOLDERS['security-group'], backendId);
  }

  async deleteKeyPair(location: string, backendId: string): Promise<void> {
    await this.#remove(location, FOLDERS['key-pair'], backendId);
  }

  async createInstance(spec: InstanceSpec): Promise<CloudInstance> {
    const server = await this.#transport.call({
      method: 'POST',
      path: ['regions', spec.location, 'servers'],
      body: {
        name: machineName(this.#deploymentId, spec.launchToken),
        size: spec.instanceType,
        imageId: spec.imageBackendId,
        zone: spec.zone,
        diskGb: spec.rootDisk?.sizeGb,
        userData: encodedUserData(spec),
        networkId: spec.networkBackendId,
        subnetId: spec.subnetBackendId,
        securityGroupIds: spec.securityGroupBackendIds,
        keyPairId: spec.keyPairBackendId,
      },
      answer: serverSchema,
    });
    return cloudInstance(server, this.#deploymentId);
  }

  async getInstance(location: string, backendId: string): Promise<CloudInstance> {
    const path = ['regions', location, 'servers', backendId];
    const server = await this.#transport.call({ method: 'GET', path, answer: serverSchema });
    return cloudInstance(server, this.#deploymentId);
  }

  async listInstances(location: string): Promise<CloudInstance[]> {
    const servers = await this.#transport.readAll(['regions', location, 'servers'], serverSchema);
    return servers
      .filter(({ name }) => parseMachineName(this.#deploymentId, name) !== undefined)
      .map((server) => cloudInstance(server, this.#deploymentId));
  }

  async findInstanceByToken(location: string, launchToken: string): Promise<CloudInstance | undefined> {
    const instances = await this.listInstances(location);
    return instances.find((one) => one.launchToken === launchToken);
  }

  async terminateInstance(location: string, backendId: string): Promise<void> {
    await this.#remove(location, 'servers', backendId);
  }

  async rebootInstance(location: string, backendId: string): Promise<void> {
    const path = ['regions', location, 'servers', backendId, 'reboot'];
    await this.#transport.call({ method: 'POST', path, answer: emptySchema });
  }

  /**
   * Returns the resource of this name, and makes it if it does not exist. If several calls run concurrently, one call
   * makes the resource. The cloud refuses the other calls, because the name is taken. Those calls then find the
   * resource.
   */
  async #ensure(location: string, kind: NetworkResourceKind, name: string, body: object): Promise<Resource> {
    const known = await this.#find(location, kind, name);
    if (known) return known;
    try {
      return await this.#transport.call({
        method: 'POST',
        path: ['regions', location, FOLDERS[kind]],
        body: { name: resourceName(this.#deploymentId, name), ...body },
        answer: resourceSchema,
      });
    } catch (error) {
      if (!(error instanceof DriverError) || error.code !== 'Conflict') throw error;
      const made = await this.#find(location, kind, name);
      if (made) return made;
      throw error;
    }
  }

  async #find(location: string, kind: NetworkResourceKind, name: string): Promise<Resource | undefined> {
    const wanted = resourceName(this.#deploymentId, name);
    return (await this.#readResources(location, kind)).find((one) => one.name === wanted);
  }

  async #readResources(location: string, kind: NetworkResourceKind): Promise<Resource[]> {
    return await this.#transport.readAll(['regions', location, FOLDERS[kind]], resourceSchema);
  }

  /** Removes a resource. Succeeds if it no longer exists. */
  async #remove(location: string, folder: string, backendId: string): Promise<void> {
    const path = ['regions', location, folder, backendId];
    try {
      await this.#transport.call({ method: 'DELETE', path, answer: emptySchema });
    } catch (error) {
      if (!(error instanceof DriverError) || error.code !== 'NotFound') throw error;
    }
  }
}
