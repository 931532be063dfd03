import type * as z from 'zod';
import type { Image, InstanceType, Location, Offer } from '../../model/cloud.ts';
import type { GivenNetwork } from '../../model/network-choice.ts';
import type {
  ExistingNetworks,
  IdempotencyKeys,
  MachineChecks,
  NetworkFault,
  Reboot,
  StopStart,
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
import { DriverError } from '../contract/errors.ts';
import type { GivenMachine, MachineFault } from '../contract/machine-checks.ts';
import { machineName } from '../contract/names.ts';
import { imagesSchema, pricesSchema, specsSchema } from './answers.ts';
import { imagesOf, locationOf, offersOf, pricesByType } from './catalogue.ts';
import { findMachineFaults } from './given-machines.ts';
import { HomeRegions } from './home-regions.ts';
import { Launcher } from './launcher.ts';
import { MachineReader } from './machine-reader.ts';
import { cbSpiderMetadata } from './metadata.ts';
import { Networks } from './networks.ts';
import { Power } from './power.ts';
import { type Registrant, Registration, type SpiderSite } from './registration.ts';
import type { SpiderTransport } from './transport.ts';

/**
 * Time limit, in ms, of a call that reads a part of the catalogue. It is long, because CB-Spider reads all pages from
 * the cloud within one call.
 */
const CATALOGUE_TIMEOUT_MS = 25_000;

/** Time limits, in ms, of calls that CB-Spider may answer only after minutes. */
export interface Timeouts {
  /**
   * Maximum wait for a call that creates or removes a machine. After this time, the driver stops waiting, and CB-Spider
   * continues the call. Most refusals of clouds arrive within this time.
   */
  handOverMs: number;
  /**
   * Maximum wait for a read of one machine. CB-Spider does not answer the read while another call has locked the
   * machine.
   */
  lockedMs: number;
}
const TIMEOUTS: Timeouts = { handOverMs: 10_000, lockedMs: 4_000 };

/** Connects to one account at one cloud behind one CB-Spider server. */
export class CbSpiderClient
  implements CloudClient, ExistingNetworks, IdempotencyKeys, MachineChecks, StopStart, Reboot
{
  readonly #transport: SpiderTransport;
  readonly #deploymentId: string;
  readonly #registration: Registration;
  readonly #networks: Networks;
  readonly #reader: MachineReader;
  readonly #launcher: Launcher;
  readonly #power: Power;

  constructor(registrant: Registrant, { handOverMs, lockedMs }: Timeouts = TIMEOUTS) {
    const { transport, deploymentId, cloud, isTrial = false } = registrant;
    const registration = new Registration(registrant);
    const home = new HomeRegions(transport.clock, () => registration.regions());
    transport.judgeBy((refusal) => home.judge(refusal));
    const networks = new Networks({ transport, registration, cloud, deploymentId, isTrial });
    const reader = new MachineReader(transport, deploymentId, lockedMs);
    this.#transport = transport;
    this.#deploymentId = deploymentId;
    this.#registration = registration;
    this.#networks = networks;
    this.#reader = reader;
    this.#launcher = new Launcher({
      transport,
      registration,
      reader,
      networks,
      cloud,
      deploymentId,
      handOverMs,
    });
    this.#power = new Power(transport, registration, reader);
  }

  /**
   * Lists the cloud's regions. If the list succeeds, the credential is valid. CB-Spider does not report the account.
   */
  async verifyCredential(): Promise<VerifiedCredential> {
    await this.#registration.regions();
    return { account: undefined };
  }

  async listLocations(): Promise<Location[]> {
    return (await this.#registration.regions()).map(locationOf);
  }

  async listOffers(location: string): Promise<{ instanceTypes: InstanceType[]; offers: Offer[] }> {
    const site = await this.#registration.site(location);
    const [{ vmspec }, prices] = await Promise.all([
      this.#catalogue(site, ['vmspec'], specsSchema),
      this.#prices(site),
    ]);
    return offersOf(location, vmspec, prices);
  }

  async listImages(location: string): Promise<Image[]> {
    const site = await this.#registration.site(location);
    const { image } = await this.#catalogue(site, ['vmimage'], imagesSchema);
    return imagesOf(location, image);
  }

  async ensureNetwork(spec: NetworkSpec) {
    return await this.#networks.ensureNetwork(spec);
  }

  async ensureSecurityGroup(spec: SecurityGroupSpec) {
    return await this.#networks.ensureSecurityGroup(spec);
  }

  async ensureKeyPair(spec: KeyPairSpec) {
    return await this.#networks.ensureKeyPair(spec);
  }

  async findNetworkResource(location: string, kind: NetworkResourceKind, name: string) {
    return await this.#networks.find(location, kind, name);
  }

  async listNetworkResources(location: string, kind: NetworkResourceKind): Promise<CloudNetworkResource[]> {
    return await this.#networks.list(location, kind);
  }

  async verifyNetwork(location: string, given: GivenNetwork): Promise<NetworkFault[]> {
    return await this.#networks.verify(location, given);
  }

  async verifyMachine(location: string, machine: GivenMachine): Promise<MachineFault[]> {
    const site = await this.#registration.site(location);
    return await findMachineFaults({ transport: this.#transport, site }, machine);
  }

  async deleteNetwork(location: string, backendId: string): Promise<void> {
    await this.#networks.delete(location, 'network', backendId);
  }

  async deleteSecurityGroup(location: string, backendId: string): Promise<void> {
    await this.#networks.delete(location, 'security-group', backendId);
  }

  async deleteKeyPair(location: string, backendId: string): Promise<void> {
    await this.#networks.delete(location, 'key-pair', backendId);
  }

  async createInstance(spec: InstanceSpec): Promise<CloudInstance> {
    return await this.#launcher.start(spec);
  }

  async getInstance(location: string, backendId: string): Promise<CloudInstance> {
    return await this.#reader.get(await this.#registration.site(location), backendId);
  }

  async listInstances(location: string): Promise<CloudInstance[]> {
    return await this.#reader.list(await this.#registration.site(location));
  }

  async findInstanceByToken(location: string, launchToken: string): Promise<CloudInstance | undefined> {
    const name = this.idempotencyKeyOf([launchToken]);
    return await this.#reader.find(await this.#registration.site(location), name);
  }

  /**
   * Returns the machine's name. The name identifies the create call, because CB-Spider makes only one machine with a
   * given name.
   */
  idempotencyKeyOf([launchToken]: readonly [string, ...string[]]): string {
    return machineName(this.#deploymentId, launchToken, cbSpiderMetadata.maxNameLength);
  }

  async terminateInstance(location: string, backendId: string): Promise<void> {
    await this.#launcher.remove(location, backendId);
  }

  async stopInstance(location: string, backendId: string): Promise<void> {
    await this.#power.control(location, backendId, 'suspend');
  }

  async startInstance(location: string, backendId: string): Promise<void> {
    await this.#power.control(location, backendId, 'resume');
  }

  async rebootInstance(location: string, backendId: string): Promise<void> {
    await this.#power.control(location, backendId, 'reboot');
  }

  /**
   * Reads the price of each type. If the read fails, returns no prices, because several clouds have no prices, and some
   * take minutes to answer. @throws DriverError Throttled or Unauthorized; any other DriverError is ignored
   */
  async #prices(site: SpiderSite): Promise<Map<string, number>> {
    try {
      return pricesByType(
        await this.#catalogue(site, ['priceinfo', 'vm', site.location], pricesSchema, { simple: 'true' }),
      );
    } catch (error) {
      if (error instanceof DriverError && error.code !== 'Throttled' && error.code !== 'Unauthorized')
        return new Map();
      throw error;
    }
  }

  async #catalogue<Answer>(
    { connectionName, location }: SpiderSite,
    path: [string, ...string[]],
    answer: z.ZodType<Answer>,
    query: Record<string, string> = {},
  ): Promise<Answer> {
    return await this.#transport.call({
      location,
      method: 'GET',
      path,
      query: { ConnectionName: connectionName, ...query },
      answer,
      timeoutMs: CATALOGUE_TIMEOUT_MS,
    });
  }
}
