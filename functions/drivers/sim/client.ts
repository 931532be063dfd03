import type { z } from 'zod';
import { type Image, type InstanceType, type Location, type Offer, offerId } from '../../model/cloud.ts';
import {
  type CloudClient,
  type CloudInstance,
  DEPLOYMENT_TAG,
  INSTANCE_TAG,
  type InstanceSpec,
  type KeyPairSpec,
  type NetworkResourceKind,
  type NetworkSpec,
  type SecurityGroupSpec,
} from '../driver.ts';
import { DriverError } from '../errors.ts';
import {
  accountAnswerSchema,
  cloudInstance,
  emptyAnswerSchema,
  imageAnswerSchema,
  instanceAnswerSchema,
  locationAnswerSchema,
  offerAnswerSchema,
  pageOf,
  resourceAnswerSchema,
} from './answers.ts';
import { at, RESOURCE_PATHS } from './paths.ts';
import type { SimTransport } from './transport.ts';

/** One account at one simulated cloud. */
export class SimClient implements CloudClient {
  readonly #transport: SimTransport;
  readonly #deploymentId: string;

  constructor(transport: SimTransport, deploymentId: string) {
    this.#transport = transport;
    this.#deploymentId = deploymentId;
  }

  async verifyCredential(): Promise<{ account: string }> {
    return await this.#transport.call({ method: 'GET', path: ['account'], answer: accountAnswerSchema });
  }

  async listLocations(): Promise<Location[]> {
    return await this.#readAll(['locations'], locationAnswerSchema);
  }

  async listOffers(location: string): Promise<{ instanceTypes: InstanceType[]; offers: Offer[] }> {
    const answers = await this.#readAll(at(location, 'offers'), offerAnswerSchema);
    return {
      instanceTypes: answers.map(({ instanceType, vcpus, memoryGb, architecture, gpu }) => ({
        name: instanceType,
        vcpus,
        memoryGb,
        architecture,
        ...(gpu ? { gpu } : {}),
      })),
      offers: answers.map(({ instanceType, usdPerHour, available }) => ({
        id: offerId(location, undefined, instanceType),
        location,
        instanceType,
        ...(usdPerHour === undefined ? {} : { priceUsdPerHour: usdPerHour }),
        available,
      })),
    };
  }

  async listImages(location: string): Promise<Image[]> {
    const answers = await this.#readAll(at(location, 'images'), imageAnswerSchema);
    return answers.map(({ id, ...image }) => ({ ...image, location, backendId: id, available: true }));
  }

  async ensureNetwork({ location, name, cidr, tags }: NetworkSpec) {
    const { id, subnetId } = await this.#ensure(location, 'network', {
      name,
      cidr,
      tags: this.#tagged(tags),
    });
    return { backendId: id, ...(subnetId === undefined ? {} : { subnetBackendId: subnetId }) };
  }

  async ensureSecurityGroup({ location, name, networkBackendId, sshFrom, tags }: SecurityGroupSpec) {
    const body = { name, networkId: networkBackendId, sshFrom, tags: this.#tagged(tags) };
    return { backendId: (await this.#ensure(location, 'security-group', body)).id };
  }

  async ensureKeyPair({ location, name, publicKey, tags }: KeyPairSpec) {
    const body = { name, publicKey, tags: this.#tagged(tags) };
    return { backendId: (await this.#ensure(location, 'key-pair', body)).id };
  }

  async findNetworkResource(
    location: string,
    kind: NetworkResourceKind,
    name: string,
  ): Promise<string | undefined> {
    const found = await this.#transport.call({
      method: 'GET',
      path: at(location, RESOURCE_PATHS[kind]),
      query: { name },
      answer: pageOf(resourceAnswerSchema),
    });
    return found.items[0]?.id;
  }

  async deleteNetwork(location: string, backendId: string): Promise<void> {
    await this.#remove(location, RESOURCE_PATHS.network, backendId);
  }

  async deleteSecurityGroup(location: string, backendId: string): Promise<void> {
    await this.#remove(location, RESOURCE_PATHS['security-group'], backendId);
  }

  async deleteKeyPair(location: string, backendId: string): Promise<void> {
    await this.#remove(location, RESOURCE_PATHS['key-pair'], backendId);
  }

  async createInstance(spec: InstanceSpec): Promise<CloudInstance> {
    const answer = await this.#transport.call({
      method: 'POST',
      path: at(spec.location, 'instances'),
      body: {
        name: spec.instanceId,
        launchToken: spec.launchToken,
        instanceType: spec.instanceType,
        imageId: spec.imageBackendId,
        zone: spec.zone,
        rootDiskGb: spec.rootDiskGb,
        userData: spec.userData,
        networkId: spec.networkBackendId,
        subnetId: spec.subnetBackendId,
        securityGroupId: spec.securityGroupBackendId,
        keyPairId: spec.keyPairBackendId,
        tags: { ...this.#tagged(spec.tags), [INSTANCE_TAG]: spec.instanceId },
      },
      answer: instanceAnswerSchema,
    });
    return cloudInstance(answer);
  }

  async getInstance(location: string, backendId: string): Promise<CloudInstance> {
    const path = at(location, 'instances', backendId);
    return cloudInstance(await this.#transport.call({ method: 'GET', path, answer: instanceAnswerSchema }));
  }

  async listInstances(location: string): Promise<CloudInstance[]> {
    const tag = `${DEPLOYMENT_TAG}=${this.#deploymentId}`;
    const answers = await this.#readAll(at(location, 'instances'), instanceAnswerSchema, { tag });
    return answers.map(cloudInstance);
  }

  async findInstanceByToken(location: string, launchToken: string): Promise<CloudInstance | undefined> {
    const [found] = await this.#readAll(at(location, 'instances'), instanceAnswerSchema, { launchToken });
    return found && cloudInstance(found);
  }

  async terminateInstance(location: string, backendId: string): Promise<void> {
    await this.#remove(location, 'instances', backendId);
  }

  async #ensure(location: string, kind: NetworkResourceKind, body: object) {
    const path = at(location, RESOURCE_PATHS[kind]);
    return await this.#transport.call({ method: 'POST', path, body, answer: resourceAnswerSchema });
  }

  /** What is gone already is as removed as can be. */
  async #remove(location: string, kind: string, backendId: string): Promise<void> {
    const path = at(location, kind, backendId);
    try {
      await this.#transport.call({ method: 'DELETE', path, answer: emptyAnswerSchema });
    } catch (error) {
      if (!(error instanceof DriverError) || error.code !== 'NotFound') throw error;
    }
  }

  async #readAll<Item extends z.ZodType>(
    path: readonly string[],
    item: Item,
    query: Record<string, string> = {},
  ): Promise<z.output<Item>[]> {
    const items: z.output<Item>[] = [];
    let cursor: string | null | undefined;
    do {
      const page = await this.#transport.call({
        method: 'GET',
        path,
        query: { ...query, cursor: cursor ?? undefined },
        answer: pageOf(item),
      });
      items.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor);
    return items;
  }

  #tagged(tags: Readonly<Record<string, string>>): Record<string, string> {
    return { ...tags, [DEPLOYMENT_TAG]: this.#deploymentId };
  }
}
