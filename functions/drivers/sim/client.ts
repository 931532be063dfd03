import type * as z from 'zod';
import { type Image, type InstanceType, type Location, type Offer, offerId } from '../../model/cloud.ts';
import type { GivenNetwork } from '../../model/network-choice.ts';
import type { Quota } from '../../model/quota.ts';
import type {
  BatchCreate,
  BatchTerminate,
  CloudVolume,
  CreateOutcome,
  ExistingNetworks,
  ListById,
  MachineChecks,
  MarketFault,
  Markets,
  NetworkFault,
  Quotas,
  Reboot,
  StopStart,
  TerminateOutcome,
  Volumes,
  WantedMarkets,
  WriterMark,
  WriterMarks,
} from '../contract/capabilities.ts';
import {
  type AllowRule,
  type CloudClient,
  type CloudInstance,
  type CloudNetworkResource,
  DEPLOYMENT_TAG,
  type InstanceSpec,
  type KeyPairSpec,
  type NetworkResourceKind,
  type NetworkSpec,
  type SecurityGroupSpec,
  type VerifiedCredential,
} from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import { type GivenMachine, imageFaults, type MachineFault } from '../contract/machine-checks.ts';
import {
  machineName,
  namePrefix,
  parseDiskName,
  parseMachineName,
  parseResourceName,
  resourceName,
} from '../contract/names.ts';
import { markText, parseMark } from '../contract/writer-marks.ts';
import {
  accountAnswerSchema,
  type CreatedItem,
  cloudInstance,
  cloudVolume,
  createdAnswerSchema,
  emptyAnswerSchema,
  idPageSchema,
  imagePageSchema,
  instanceAnswerSchema,
  instancePageSchema,
  isOf,
  keyPageSchema,
  locationPageSchema,
  notesAnswerSchema,
  offerPageSchema,
  type Page,
  quotasAnswerSchema,
  reservationPageSchema,
  resourceAnswerSchema,
  resourcePageSchema,
  terminatedAnswerSchema,
  volumePageSchema,
} from './answers.ts';
import { createBody } from './create-body.ts';
import { errorOfAnswer } from './errors.ts';
import { findPreparedFaults } from './given-machines.ts';
import { findFaults } from './given-networks.ts';
import { at, RESOURCE_PATHS } from './paths.ts';
import type { Transport } from './transport.ts';

/** Maximum number of ids in one call. The number is limited, because the ids are in the URL. */
const MAX_IDS = 100;

/** Maximum number of machines in one create call. A cloud's own maximum, which the account's limits tell, may be lower. */
const MAX_BATCH = 100;

/** Maximum number of machines in one terminate call. */
const MAX_TERMINATED = 1_000;

/** Connects to one account at one simulated cloud. */
export class SimClient
  implements
    CloudClient,
    BatchCreate,
    BatchTerminate,
    ExistingNetworks,
    MachineChecks,
    Markets,
    Quotas,
    ListById,
    StopStart,
    Reboot,
    WriterMarks,
    Volumes
{
  readonly maxBatchSize = MAX_BATCH;
  readonly maxListedById = MAX_IDS;
  readonly maxTerminatedPerCall = MAX_TERMINATED;
  readonly #transport: Transport;
  readonly #deploymentId: string;

  constructor(transport: Transport, deploymentId: string) {
    this.#transport = transport;
    this.#deploymentId = deploymentId;
  }

  async verifyCredential(): Promise<VerifiedCredential> {
    const path = ['account'];
    const { account, limits } = await this.#transport.call({
      method: 'GET',
      path,
      answer: accountAnswerSchema,
    });
    return { account, ...(limits === undefined ? {} : { limits }) };
  }

  async listWriterMarks(): Promise<WriterMark[]> {
    const prefix = this.#noteName('');
    const path = ['account', 'notes'];
    const query = { prefix };
    const { items } = await this.#transport.call({ method: 'GET', path, query, answer: notesAnswerSchema });
    return items.flatMap(({ name, value }) => parseMark(name.slice(prefix.length), value) ?? []);
  }

  async putWriterMark(mark: WriterMark): Promise<void> {
    const path = ['account', 'notes', this.#noteName(mark.writerId)];
    const body = { value: markText(mark) };
    await this.#transport.call({ method: 'PUT', path, body, answer: emptyAnswerSchema });
  }

  async removeWriterMark(writerId: string): Promise<void> {
    const path = ['account', 'notes', this.#noteName(writerId)];
    await this.#transport.call({ method: 'DELETE', path, answer: emptyAnswerSchema });
  }

  #noteName(writerId: string): string {
    return `fleetwright/${this.#deploymentId}/${writerId}`;
  }

  async listLocations(): Promise<Location[]> {
    return await this.#readAll(['locations'], locationPageSchema);
  }

  async listOffers(location: string): Promise<{ instanceTypes: InstanceType[]; offers: Offer[] }> {
    const answers = await this.#readAll(at(location, 'offers'), offerPageSchema);
    return {
      instanceTypes: answers.map(({ instanceType, vcpus, memoryGb, architecture, gpu }) => ({
        name: instanceType,
        vcpus,
        memoryGb,
        architecture,
        ...(gpu ? { gpu } : {}),
      })),
      offers: answers.map(({ instanceType, usdPerHour, spotUsdPerHour, available }) => ({
        id: offerId(location, undefined, instanceType),
        location,
        instanceType,
        ...(usdPerHour === undefined ? {} : { priceUsdPerHour: usdPerHour }),
        ...(spotUsdPerHour === undefined ? {} : { spotPriceUsdPerHour: spotUsdPerHour }),
        available,
      })),
    };
  }

  async listImages(location: string): Promise<Image[]> {
    const answers = await this.#readAll(at(location, 'images'), imagePageSchema);
    return answers.map(({ id, ...image }) => ({ ...image, location, backendId: id, available: true }));
  }

  async readQuotas(location: string): Promise<Quota[]> {
    const path = at(location, 'quotas');
    const { items } = await this.#transport.call({ method: 'GET', path, answer: quotasAnswerSchema });
    return items.map(({ market, used, ...quota }) => ({
      ...quota,
      ...(market === undefined ? {} : { market }),
      ...(used === undefined ? {} : { used }),
    }));
  }

  async ensureNetwork({ location, name, cidr, tags }: NetworkSpec) {
    const { id, subnetId, zones } = await this.#ensure(location, 'network', {
      name,
      cidr,
      tags: this.#tagged(tags),
    });
    return {
      backendId: id,
      ...(subnetId === undefined ? {} : { subnetBackendId: subnetId }),
      ...(zones === undefined || zones.length === 0
        ? {}
        : { zones: zones.toSorted().map((zone) => ({ zone })) }),
    };
  }

  async ensureSecurityGroup({ location, name, networkBackendId, rules, tags }: SecurityGroupSpec) {
    const body = { name, networkId: networkBackendId, rules: rules.map(simRule), tags: this.#tagged(tags) };
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
      query: { name: resourceName(this.#deploymentId, name) },
      answer: resourcePageSchema,
    });
    return found.items.find((one) => isOf(this.#deploymentId, one, parseResourceName))?.id;
  }

  async listNetworkResources(location: string, kind: NetworkResourceKind): Promise<CloudNetworkResource[]> {
    const answers = await this.#readAll(at(location, RESOURCE_PATHS[kind]), resourcePageSchema, this.#ours());
    return answers
      .filter((one) => isOf(this.#deploymentId, one, parseResourceName))
      .map(({ id, name, createdAt }) => ({
        kind,
        backendId: id,
        name: parseResourceName(this.#deploymentId, name) ?? name,
        ...(createdAt === undefined ? {} : { createdAt }),
      }));
  }

  async verifyMachine(location: string, machine: GivenMachine): Promise<MachineFault[]> {
    const { identity, placementGroup, encryptionKeys = [] } = machine;
    const idsOf = async (path: string, named: string | undefined) =>
      named === undefined ? [] : await this.#readAll(at(location, path), idPageSchema);
    const [ofImage, keys, identities, placementGroups] = await Promise.all([
      this.#imageFaults(location, machine),
      encryptionKeys.length === 0 ? [] : this.#readAll(at(location, 'encryption-keys'), keyPageSchema),
      idsOf('identities', identity),
      idsOf('placement-groups', placementGroup),
    ]);
    const prepared = {
      keys,
      identities: identities.map(({ id }) => id),
      placementGroups: placementGroups.map(({ id }) => id),
    };
    return [...ofImage, ...findPreparedFaults(location, machine, prepared)];
  }

  async #imageFaults(
    location: string,
    { imageId, instanceTypes, rootDisk }: GivenMachine,
  ): Promise<MachineFault[]> {
    if (imageId === undefined) return [];
    const [images, { instanceTypes: types }] = await Promise.all([
      this.listImages(location),
      this.listOffers(location),
    ]);
    const image = images.find(({ backendId }) => backendId === imageId);
    const wanted = types
      .filter(({ name }) => instanceTypes.includes(name))
      .map(({ name, architecture }) => ({ name, architectures: [architecture] }));
    return imageFaults(location, imageId, image, wanted, rootDisk);
  }

  async verifyMarkets(location: string, wanted: WantedMarkets): Promise<MarketFault[]> {
    const { markets, reservationId = '', instanceTypes } = wanted;
    if (!markets.includes('reserved')) return [];
    const all = await this.#readAll(at(location, 'reservations'), reservationPageSchema);
    const found = all.find(({ id }) => id === reservationId);
    const fault = (code: MarketFault['code'], message: string): MarketFault[] => [
      { at: 'reservationId', code, message },
    ];
    if (!found) return fault('unknown-reservation', `${location} has no reservation ${reservationId}`);
    if (instanceTypes.includes(found.instanceType)) return [];
    const types = instanceTypes.join(', ');
    return fault(
      'not-usable',
      `reservation ${reservationId} is for ${found.instanceType}, and not for ${types}`,
    );
  }

  async verifyNetwork(location: string, given: GivenNetwork): Promise<NetworkFault[]> {
    return await findFaults(given, this.#deploymentId, location, (kind, ids) =>
      this.#readAll(at(location, RESOURCE_PATHS[kind]), resourcePageSchema, { ids: ids.join(',') }),
    );
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
      body: createBody(spec, this.#deploymentId),
      answer: instanceAnswerSchema,
    });
    return cloudInstance(answer, this.#deploymentId);
  }

  async createInstances(specs: readonly InstanceSpec[]): Promise<CreateOutcome[]> {
    const [first] = specs;
    if (!first) return [];
    try {
      const { items } = await this.#transport.call({
        method: 'POST',
        path: at(first.location, 'instances', 'batch'),
        body: { instances: specs.map((spec) => createBody(spec, this.#deploymentId)) },
        machines: specs.length,
        answer: createdAnswerSchema,
      });
      return specs.map((spec, place) => this.#created(spec, items[place]));
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      return specs.map(() => ({ error }));
    }
  }

  #created({ launchToken }: InstanceSpec, item: CreatedItem | undefined): CreateOutcome {
    if (item && 'error' in item) {
      const answer = { ...item.error, rate: {}, call: 'POST instances/batch' };
      return { error: errorOfAnswer(answer, 'changes') };
    }
    const instance = item && cloudInstance(item.instance, this.#deploymentId);
    if (instance?.launchToken === launchToken) return { instance };
    const message = 'the answer has no outcome for this launch token';
    return { error: new DriverError('OutcomeUnknown', message, { call: 'POST instances/batch' }) };
  }

  async getInstance(location: string, backendId: string): Promise<CloudInstance> {
    const path = at(location, 'instances', backendId);
    const answer = await this.#transport.call({ method: 'GET', path, answer: instanceAnswerSchema });
    return cloudInstance(answer, this.#deploymentId);
  }

  async listInstances(location: string): Promise<CloudInstance[]> {
    return await this.#readInstances(location, this.#ours());
  }

  async listInstancesById(location: string, backendIds: readonly string[]): Promise<CloudInstance[]> {
    return await this.#readInstances(location, { ...this.#ours(), ids: backendIds.join(',') });
  }

  async findInstanceByToken(location: string, launchToken: string): Promise<CloudInstance | undefined> {
    const name = machineName(this.#deploymentId, launchToken);
    const [found] = await this.#readInstances(location, { launchToken, name });
    return found;
  }

  async terminateInstance(location: string, backendId: string): Promise<void> {
    await this.#remove(location, 'instances', backendId);
  }

  async terminateInstances(location: string, backendIds: readonly string[]): Promise<TerminateOutcome[]> {
    try {
      const { items } = await this.#transport.call({
        method: 'POST',
        path: at(location, 'instances', 'terminate'),
        body: { ids: backendIds },
        machines: backendIds.length,
        answer: terminatedAnswerSchema,
      });
      const refused = new Map(items.flatMap(({ id, error }) => (error ? [[id, error] as const] : [])));
      return backendIds.map((backendId) => {
        const error = refused.get(backendId);
        if (!error || error.code === 'NotFound') return { backendId };
        const answer = { ...error, rate: {}, call: 'POST instances/terminate' };
        return { backendId, error: errorOfAnswer(answer, 'changes') };
      });
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      return backendIds.map((backendId) => ({ backendId, error }));
    }
  }

  async listVolumes(location: string): Promise<CloudVolume[]> {
    const answers = await this.#readAll(at(location, 'volumes'), volumePageSchema, this.#ours());
    return answers
      .filter((one) => isOf(this.#deploymentId, one, parseDiskName))
      .map((one) => cloudVolume(one, this.#deploymentId));
  }

  async deleteVolume(location: string, backendId: string): Promise<void> {
    await this.#remove(location, 'volumes', backendId);
  }

  async stopInstance(location: string, backendId: string): Promise<void> {
    await this.#power(location, backendId, 'stop');
  }

  async startInstance(location: string, backendId: string): Promise<void> {
    await this.#power(location, backendId, 'start');
  }

  async rebootInstance(location: string, backendId: string): Promise<void> {
    await this.#power(location, backendId, 'reboot');
  }

  async #power(location: string, backendId: string, verb: 'stop' | 'start' | 'reboot'): Promise<void> {
    const path = at(location, 'instances', backendId, verb);
    await this.#transport.call({ method: 'POST', path, answer: instanceAnswerSchema });
  }

  async #ensure(
    location: string,
    kind: NetworkResourceKind,
    body: { name: string; [field: string]: unknown },
  ) {
    const path = at(location, RESOURCE_PATHS[kind]);
    const made = await this.#transport.call({
      method: 'POST',
      path,
      body: { ...body, name: resourceName(this.#deploymentId, body.name) },
      answer: resourceAnswerSchema,
    });
    if (isOf(this.#deploymentId, made, parseResourceName)) return made;
    throw new DriverError(
      'Conflict',
      `the ${kind} ${made.name} at ${location} does not belong to this deployment`,
    );
  }

  async #readInstances(location: string, query: Record<string, string>): Promise<CloudInstance[]> {
    const answers = await this.#readAll(at(location, 'instances'), instancePageSchema, query);
    return answers
      .filter((one) => isOf(this.#deploymentId, one, parseMachineName))
      .map((one) => cloudInstance(one, this.#deploymentId));
  }

  /**
   * Returns the query parameters that select this deployment's resources: by tag at a cloud with tags, and by the
   * prefix of the name at a cloud without tags.
   */
  #ours(): Record<string, string> {
    return { tag: `${DEPLOYMENT_TAG}=${this.#deploymentId}`, namePrefix: namePrefix(this.#deploymentId) };
  }

  /** Removes a resource. Succeeds if it no longer exists. */
  async #remove(location: string, kind: string, backendId: string): Promise<void> {
    const path = at(location, kind, backendId);
    try {
      await this.#transport.call({ method: 'DELETE', path, answer: emptyAnswerSchema });
    } catch (error) {
      if (!(error instanceof DriverError) || error.code !== 'NotFound') throw error;
    }
  }

  async #readAll<Item>(
    path: readonly string[],
    answer: z.ZodType<Page<Item>>,
    query: Record<string, string> = {},
  ): Promise<Item[]> {
    const items: Item[] = [];
    let cursor: string | null | undefined;
    do {
      const page = await this.#transport.call({
        method: 'GET',
        path,
        query: { ...query, cursor: cursor ?? undefined },
        answer,
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

/** Converts a rule to the form that the simulated clouds accept: `from` is a CIDR, or the id of a security group. */
function simRule({ protocol, ports, source }: AllowRule): object {
  return { protocol, ports, from: 'cidr' in source ? source.cidr : source.securityGroupBackendId };
}
