import { z } from 'zod';
import type { Image, InstanceType, Location, Offer } from '../../model/cloud.ts';
import type { Quota, Quotas, Reboot, StopStart } from '../capabilities.ts';
import type {
  CloudClient,
  CloudInstance,
  CloudNetworkResource,
  InstanceSpec,
  KeyPairSpec,
  NetworkResourceKind,
  NetworkSpec,
  SecurityGroupSpec,
} from '../driver.ts';
import { DriverError } from '../errors.ts';
import { Catalogue } from './catalogue.ts';
import { offersOf, readFlavors } from './flavors.ts';
import { readImages } from './images.ts';
import { deleteKeyPair, ensureKeyPair, findKeyPair, listKeyPairs } from './key-pairs.ts';
import { deleteNetwork, ensureNetwork, NETWORKS } from './networks.ts';
import { findOwned, listOwned } from './owned.ts';
import { readQuotas } from './quotas.ts';
import { Region, regionNames } from './region.ts';
import { deleteSecurityGroup, ensureSecurityGroup, SECURITY_GROUPS } from './security-groups.ts';
import { actOnServer, createServer, findServer, getServer, listServers } from './servers.ts';
import type { Session } from './session.ts';
import type { Transport } from './transport.ts';

/** All requests of one call of the contract together. */
const CALL_MS = 28_000;
/** Lists of thousands have many pages. */
const LIST_MS = 55_000;

const zonesSchema = z.object({
  availabilityZoneInfo: z.array(
    z.object({ zoneName: z.string(), zoneState: z.object({ available: z.boolean() }) }),
  ),
});

/** One credential, for one project, at one OpenStack cloud. */
export class OpenStackClient implements CloudClient, StopStart, Reboot, Quotas {
  readonly #session: Session;
  readonly #transport: Transport;
  readonly #deploymentId: string;
  readonly #catalogue = new Catalogue();

  constructor(session: Session, transport: Transport, deploymentId: string) {
    this.#session = session;
    this.#transport = transport;
    this.#deploymentId = deploymentId;
  }

  async verifyCredential(): Promise<{ account: string }> {
    const deadlineMs = performance.now() + CALL_MS;
    this.#session.drop(await this.#session.token(deadlineMs));
    const { account } = await this.#session.token(deadlineMs);
    return { account };
  }

  async listLocations(): Promise<Location[]> {
    const token = await this.#session.token(performance.now() + CALL_MS);
    return await Promise.all(regionNames(token).map((name) => this.#location(name)));
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

  async deleteNetwork(location: string, backendId: string): Promise<void> {
    await deleteNetwork(this.#at(location), this.#deploymentId, backendId);
  }

  async deleteSecurityGroup(location: string, backendId: string): Promise<void> {
    await deleteSecurityGroup(this.#at(location), backendId);
  }

  async deleteKeyPair(location: string, backendId: string): Promise<void> {
    await deleteKeyPair(this.#at(location), backendId);
  }

  async createInstance(spec: InstanceSpec): Promise<CloudInstance> {
    const region = this.#at(spec.location);
    const flavor = await this.#catalogue.flavorFor(region, spec);
    return await createServer(region, this.#deploymentId, spec, flavor);
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

  async terminateInstance(location: string, backendId: string): Promise<void> {
    await this.#at(location).remove('compute', ['servers', backendId]);
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

  /** Nova refuses to do what is done already, or is being done. */
  async #act(location: string, id: string, action: object, done: readonly CloudInstance['status'][]) {
    const region = this.#at(location);
    try {
      await actOnServer(region, id, action);
    } catch (error) {
      if (!(error instanceof DriverError) || error.code !== 'Conflict') throw error;
      const { status } = await getServer(region, this.#deploymentId, id);
      if (!done.includes(status)) throw error;
    }
  }

  async #location(name: string): Promise<Location> {
    const location = { name, displayName: name, zones: [], available: false };
    try {
      const { availabilityZoneInfo: zones } = await this.#at(name).call('compute', {
        method: 'GET',
        path: ['os-availability-zone'],
        answer: zonesSchema,
      });
      const available = zones.filter(({ zoneState }) => zoneState.available).map(({ zoneName }) => zoneName);
      return { ...location, zones: available.sort(), available: true };
    } catch (error) {
      // One region that is down keeps nobody from the others.
      if (error instanceof DriverError && error.code === 'Unavailable') return location;
      throw error;
    }
  }

  #at(location: string, withinMs = CALL_MS): Region {
    return new Region(location, this.#session, this.#transport, performance.now() + withinMs);
  }
}
