import { STSClient } from '@aws-sdk/client-sts';
import type { Image, InstanceType, Location, Offer } from '../../model/cloud.ts';
import type { GivenNetwork } from '../../model/network-choice.ts';
import type { Quota } from '../../model/quota.ts';
import type {
  BatchCreate,
  BatchTerminate,
  CloudVolume,
  CreateOutcome,
  DeniedRight,
  ExistingNetworks,
  IdempotencyKeys,
  LateNames,
  ListById,
  MachineChecks,
  MarketFault,
  Markets as MarketsCapability,
  NamedMachine,
  NetworkFault,
  Quotas,
  Reboot,
  RightsCheck,
  StopStart,
  TerminateOutcome,
  Volumes,
  WantedMarkets,
  WriterMark,
  WriterMarks,
} from '../contract/capabilities.ts';
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
import type { GivenMachine, MachineFault } from '../contract/machine-checks.ts';
import { Ec2, type Ec2Options } from './ec2.ts';
import { EncryptionKeys } from './encryption-keys.ts';
import { GivenMachines } from './given-machines.ts';
import { findFaults } from './given-networks.ts';
import { HomeIdentity } from './home-identity.ts';
import { listImages } from './images.ts';
import { Instances, MAX_IDS } from './instances.ts';
import { KeyPairs } from './key-pairs.ts';
import { Launcher, MAX_BATCH } from './launch.ts';
import { listLocations } from './locations.ts';
import { Markets } from './markets.ts';
import { Networks } from './networks.ts';
import { listOffers } from './offers.ts';
import { PublicParameters } from './public-parameters.ts';
import { ServiceQuotas } from './quotas.ts';
import { Rights } from './rights.ts';
import { SecurityGroups } from './security-groups.ts';
import { clientSettings } from './settings.ts';
import { MAX_TERMINATED, terminateMany } from './terminate-many.ts';
import { TypeBook } from './type-book.ts';
import { VolumeList } from './volumes.ts';
import { WriterParameters } from './writer-parameters.ts';

/** Connects to one AWS account. A location is a region. */
export class AwsClient
  implements
    CloudClient,
    BatchCreate,
    BatchTerminate,
    ExistingNetworks,
    IdempotencyKeys,
    LateNames,
    ListById,
    MachineChecks,
    MarketsCapability,
    Quotas,
    Reboot,
    RightsCheck,
    StopStart,
    Volumes,
    WriterMarks
{
  readonly maxBatchSize = MAX_BATCH;
  readonly maxListedById = MAX_IDS;
  readonly maxTerminatedPerCall = MAX_TERMINATED;
  readonly #ec2: Ec2;
  readonly #identity: HomeIdentity;
  readonly #parameters: PublicParameters;
  readonly #types: TypeBook;
  readonly #writers: WriterParameters;
  readonly #rights: Rights;
  readonly #quotas: ServiceQuotas;
  readonly #homeRegion: string;
  readonly #deploymentId: string;
  readonly #instances: Instances;
  readonly #volumes: VolumeList;
  readonly #launcher: Launcher;
  readonly #givenMachines: GivenMachines;
  readonly #markets: Markets;
  readonly #resources: {
    network: Networks;
    'security-group': SecurityGroups;
    'key-pair': KeyPairs;
  };

  constructor(options: Ec2Options, deploymentId: string) {
    const { homeRegion, endpoint, keys, requestHandler } = options;
    const settings = clientSettings('sts', homeRegion, endpoint, requestHandler);
    this.#identity = new HomeIdentity(new STSClient({ ...settings, credentials: keys }), options);
    this.#ec2 = new Ec2(options, this.#identity);
    this.#parameters = new PublicParameters(options);
    this.#types = new TypeBook(this.#ec2);
    this.#writers = new WriterParameters(options, deploymentId);
    this.#rights = new Rights(this.#ec2, this.#parameters, deploymentId);
    this.#quotas = new ServiceQuotas(this.#ec2, options);
    this.#homeRegion = homeRegion;
    this.#deploymentId = deploymentId;
    this.#instances = new Instances(this.#ec2, deploymentId);
    this.#volumes = new VolumeList(this.#ec2, deploymentId);
    this.#launcher = new Launcher(this.#ec2, this.#types, deploymentId);
    this.#givenMachines = new GivenMachines(
      this.#ec2,
      this.#types,
      new EncryptionKeys(this.#ec2, options),
      deploymentId,
    );
    this.#markets = new Markets(this.#ec2, options);
    this.#resources = {
      network: new Networks(this.#ec2, deploymentId),
      'security-group': new SecurityGroups(this.#ec2, deploymentId),
      'key-pair': new KeyPairs(this.#ec2, deploymentId),
    };
  }

  async verifyCredential(): Promise<VerifiedCredential> {
    return { account: await this.#identity.account() };
  }

  async checkRights(
    location = this.#homeRegion,
    needs: 'networks' | 'machines' = 'networks',
  ): Promise<DeniedRight[]> {
    return await this.#rights.denied(location, needs);
  }

  async readQuotas(location: string): Promise<Quota[]> {
    return await this.#quotas.read(location);
  }

  async listWriterMarks(): Promise<WriterMark[]> {
    return await this.#writers.list();
  }

  async putWriterMark(mark: WriterMark): Promise<void> {
    await this.#writers.put(mark);
  }

  async removeWriterMark(writerId: string): Promise<void> {
    await this.#writers.remove(writerId);
  }

  async listLocations(): Promise<Location[]> {
    return await listLocations(this.#ec2);
  }

  async listOffers(location: string): Promise<{ instanceTypes: InstanceType[]; offers: Offer[] }> {
    return await listOffers(this.#ec2, this.#types, location);
  }

  async listImages(location: string): Promise<Image[]> {
    return await listImages(this.#ec2, this.#parameters, location);
  }

  async ensureNetwork(spec: NetworkSpec) {
    return await this.#resources.network.ensure(spec);
  }

  async ensureSecurityGroup(spec: SecurityGroupSpec) {
    return await this.#resources['security-group'].ensure(spec);
  }

  async ensureKeyPair(spec: KeyPairSpec) {
    return await this.#resources['key-pair'].ensure(spec);
  }

  async findNetworkResource(location: string, kind: NetworkResourceKind, name: string) {
    return await this.#resources[kind].find(location, name);
  }

  async listNetworkResources(location: string, kind: NetworkResourceKind): Promise<CloudNetworkResource[]> {
    return await this.#resources[kind].list(location);
  }

  async verifyMachine(location: string, machine: GivenMachine): Promise<MachineFault[]> {
    return await this.#givenMachines.findFaults(location, machine);
  }

  async verifyMarkets(location: string, wanted: WantedMarkets): Promise<MarketFault[]> {
    return await this.#markets.findFaults(location, wanted);
  }

  async verifyNetwork(location: string, given: GivenNetwork): Promise<NetworkFault[]> {
    return await findFaults(this.#ec2, this.#deploymentId, location, given);
  }

  async deleteNetwork(location: string, backendId: string): Promise<void> {
    await this.#resources.network.delete(location, backendId);
  }

  async deleteSecurityGroup(location: string, backendId: string): Promise<void> {
    await this.#resources['security-group'].delete(location, backendId);
  }

  async deleteKeyPair(location: string, backendId: string): Promise<void> {
    await this.#resources['key-pair'].delete(location, backendId);
  }

  async createInstance(spec: InstanceSpec): Promise<CloudInstance> {
    return await this.#launcher.launch(spec);
  }

  async createInstances(specs: readonly InstanceSpec[]): Promise<CreateOutcome[]> {
    return await this.#launcher.launchAll(specs);
  }

  idempotencyKeyOf(launchTokens: readonly [string, ...string[]]): string {
    return this.#launcher.idempotencyKeyOf(launchTokens);
  }

  async getInstance(location: string, backendId: string): Promise<CloudInstance> {
    return await this.#instances.get(location, backendId);
  }

  async listInstances(location: string): Promise<CloudInstance[]> {
    return await this.#instances.list(location);
  }

  async listInstancesById(location: string, backendIds: readonly string[]): Promise<CloudInstance[]> {
    return await this.#instances.list(location, backendIds);
  }

  async findInstanceByToken(location: string, launchToken: string): Promise<CloudInstance | undefined> {
    return await this.#instances.findByToken(location, launchToken);
  }

  async terminateInstance(location: string, backendId: string): Promise<void> {
    await this.#instances.terminate(location, backendId);
  }

  async terminateInstances(location: string, backendIds: readonly string[]): Promise<TerminateOutcome[]> {
    return await terminateMany(this.#ec2, location, backendIds);
  }

  async nameInstance(location: string, machine: NamedMachine): Promise<void> {
    await this.#launcher.name(location, machine);
  }

  async listVolumes(location: string): Promise<CloudVolume[]> {
    return await this.#volumes.list(location);
  }

  async deleteVolume(location: string, backendId: string): Promise<void> {
    await this.#volumes.remove(location, backendId);
  }

  async stopInstance(location: string, backendId: string): Promise<void> {
    await this.#instances.stop(location, backendId);
  }

  async startInstance(location: string, backendId: string): Promise<void> {
    await this.#instances.start(location, backendId);
  }

  async rebootInstance(location: string, backendId: string): Promise<void> {
    await this.#instances.reboot(location, backendId);
  }
}
