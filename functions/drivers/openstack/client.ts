import type { Image, InstanceType, Location, Offer } from '../../model/cloud.ts';
import type { GivenNetwork } from '../../model/network-choice.ts';
import type { Quota } from '../../model/quota.ts';
import type {
  BatchCreate,
  CloudVolume,
  CreateOutcome,
  ExistingNetworks,
  NetworkFault,
  Quotas,
  Reboot,
  StopStart,
  Volumes,
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
  RecordedMachines,
  SecurityGroupSpec,
  VerifiedCredential,
} from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import type { GivenMachine, MachineFault } from '../contract/machine-checks.ts';
import { createAll, MAX_BATCH } from './batches.ts';
import { Catalogue } from './catalogue.ts';
import { offersOf, readFlavors } from './flavors.ts';
import { findMachineFaults } from './given-machines.ts';
import { findFaults } from './given-networks.ts';
import { readImages } from './images.ts';
import { deleteKeyPair, ensureKeyPair, findKeyPair, listKeyPairs } from './key-pairs.ts';
import { createServer } from './launch.ts';
import { readLocation } from './locations.ts';
import { markPorts } from './machine-ports.ts';
import { deleteNetwork, ensureNetwork, NETWORKS } from './networks.ts';
import { findOwned, listOwned } from './owned.ts';
import { readQuotas } from './quotas.ts';
import { Region, regionNames } from './region.ts';
import { deleteSecurityGroup, ensureSecurityGroup, SECURITY_GROUPS } from './security-groups.ts';
import { listMarks, putMark, removeMark } from './server-groups.ts';
import { actOnServer, findServer, getServer, listServers } from './servers.ts';
import type { Session } from './session.ts';
import type { Transport } from './transport.ts';
import { deleteVolume, listVolumes } from './volumes.ts';

/** Time limit in ms for all requests of one method call together. */
const CALL_MS = 28_000;
/**
 * Time limit of a method that lists. It is longer than CALL_MS, because a list of thousands of items has many pages.
 */
const LIST_MS = 55_000;
/** Time limit in ms for the marks of a server's ports. It leaves most of CALL_MS for the removal of the server. */
const MARK_MS = 8_000;

/** Connects to one project at one OpenStack cloud, with one credential. */
export class OpenStackClient
  implements CloudClient, BatchCreate, ExistingNetworks, StopStart, Reboot, Quotas, WriterMarks, Volumes
{
  readonly maxBatchSize = MAX_BATCH;
  readonly #session: Session;
  readonly #transport: Transport;
  readonly #deploymentId: string;
  readonly #catalogue = new Catalogue();

  constructor(session: Session, transport: Transport, deploymentId: string) {
    this.#session = session;
    this.#transport = transport;
    this.#deploymentId = deploymentId;
  }

  async verifyCredential(): Promise<VerifiedCredential> {
    const { projectId, account } = await this.#session.renew(this.#transport.clock.now() + CALL_MS);
    return { account: projectId, accountName: account };
  }

  async listWriterMarks(): Promise<WriterMark[]> {
    return await listMarks(await this.#marksRegion(), this.#deploymentId);
  }

  async putWriterMark(mark: WriterMark): Promise<void> {
    await putMark(await this.#marksRegion(), this.#deploymentId, mark);
  }

  async removeWriterMark(writerId: string): Promise<void> {
    await removeMark(await this.#marksRegion(), this.#deploymentId, writerId);
  }

  /**
   * Returns the region that stores the writer marks: the first region by name, which is the same for every credential
   * of the project.
   */
  async #marksRegion(): Promise<Region> {
    const token = await this.#session.token(this.#transport.clock.now() + CALL_MS);
    const [name] = regionNames(token);
    if (name === undefined)
      throw new DriverError(
        'InvalidRequest',
        'no region of the cloud has all services that the driver needs',
      );
    return this.#at(name);
  }

  async listLocations(): Promise<Location[]> {
    const token = await this.#session.token(this.#transport.clock.now() + CALL_MS);
    return await Promise.all(regionNames(token).map((name) => readLocation(this.#at(name))));
  }

  async listOffers(location: string): Promise<{ instanceTypes: InstanceType[]; offers: Offer[] }> {
    return offersOf(await readFlavors(this.#at(location, LIST_MS)), location);
  }

  async listImages(location: string): Promise<Image[]> {
    return await readImages(this.#at(location, LIST_MS));
  }

  async ensureNetwork(spec: NetworkSpec): Promise<{ backendId: string; subnetBackendId: string }> {
    return await ensureNetwork(this.#at(spec.location), this.#deploymentId, spec);
  }

  async ensureSecurityGroup(spec: SecurityGroupSpec): Promise<{ backendId: string }> {
    return { backendId: await ensureSecurityGroup(this.#at(spec.location), this.#deploymentId, spec) };
  }

  async ensureKeyPair(spec: KeyPairSpec): Promise<{ backendId: string }> {
    return { backendId: await ensureKeyPair(this.#at(spec.location), this.#deploymentId, spec) };
  }

  async findNetworkResource(
    location: string,
    kind: NetworkResourceKind,
    name: string,
  ): Promise<string | undefined> {
    const region = this.#at(location);
    switch (kind) {
      case 'network':
        return (await findOwned(region, NETWORKS, this.#deploymentId, name))?.id;
      case 'security-group':
        return (await findOwned(region, SECURITY_GROUPS, this.#deploymentId, name))?.id;
      case 'key-pair':
        return await findKeyPair(region, this.#deploymentId, name);
    }
  }

  async listNetworkResources(location: string, kind: NetworkResourceKind): Promise<CloudNetworkResource[]> {
    const region = this.#at(location, LIST_MS);
    switch (kind) {
      case 'network':
        return await listOwned(region, NETWORKS, this.#deploymentId);
      case 'security-group':
        return await listOwned(region, SECURITY_GROUPS, this.#deploymentId);
      case 'key-pair':
        return await listKeyPairs(region, this.#deploymentId);
    }
  }

  async verifyMachine(location: string, machine: GivenMachine): Promise<MachineFault[]> {
    return await findMachineFaults(this.#at(location), machine);
  }

  async verifyNetwork(location: string, given: GivenNetwork): Promise<NetworkFault[]> {
    return await findFaults(this.#at(location), this.#deploymentId, given);
  }

  async deleteNetwork(location: string, backendId: string, machines?: RecordedMachines): Promise<void> {
    await deleteNetwork(this.#at(location), this.#deploymentId, backendId, machines);
  }

  async deleteSecurityGroup(location: string, backendId: string): Promise<void> {
    await deleteSecurityGroup(this.#at(location), this.#deploymentId, backendId);
  }

  async deleteKeyPair(location: string, backendId: string): Promise<void> {
    await deleteKeyPair(this.#at(location), backendId);
  }

  async createInstance(spec: InstanceSpec): Promise<CloudInstance> {
    return await createServer(this.#at(spec.location), this.#deploymentId, spec, this.#catalogue);
  }

  async createInstances(specs: readonly InstanceSpec[]): Promise<CreateOutcome[]> {
    const [{ location } = { location: '' }] = specs;
    return await createAll(this.#at(location), this.#deploymentId, specs, this.#catalogue);
  }

  async getInstance(location: string, backendId: string): Promise<CloudInstance> {
    return await getServer(this.#at(location), this.#deploymentId, backendId);
  }

  async listInstances(location: string): Promise<CloudInstance[]> {
    return await listServers(this.#at(location, LIST_MS), this.#deploymentId);
  }

  async findInstanceByToken(location: string, launchToken: string): Promise<CloudInstance | undefined> {
    return await findServer(this.#at(location), this.#deploymentId, launchToken);
  }

  async terminateInstance(location: string, backendId: string, instanceId?: string): Promise<void> {
    const region = this.#at(location);
    await markPorts(this.#at(location, MARK_MS), this.#deploymentId, backendId, instanceId);
    await region.remove('compute', ['servers', backendId]);
  }

  async listVolumes(location: string): Promise<CloudVolume[]> {
    return await listVolumes(this.#at(location, LIST_MS), this.#deploymentId);
  }

  async deleteVolume(location: string, backendId: string): Promise<void> {
    await deleteVolume(this.#at(location), backendId);
  }

  async stopInstance(location: string, backendId: string): Promise<void> {
    await this.#act(location, backendId, { 'os-stop': null }, ['Suspended', 'Suspending']);
  }

  async startInstance(location: string, backendId: string): Promise<void> {
    await this.#act(location, backendId, { 'os-start': null }, ['Running', 'Resuming']);
  }

  async rebootInstance(location: string, backendId: string): Promise<void> {
    await this.#act(location, backendId, { reboot: { type: 'SOFT' } }, ['Rebooting']);
  }

  async readQuotas(location: string): Promise<Quota[]> {
    return await readQuotas(this.#at(location));
  }

  async #act(location: string, id: string, action: object, done: readonly CloudInstance['status'][]) {
    await actOnServer(this.#at(location), this.#deploymentId, id, action, done);
  }

  #at(location: string, withinMs = CALL_MS): Region {
    return new Region(location, this.#session, this.#transport, this.#transport.clock.now() + withinMs);
  }
}
