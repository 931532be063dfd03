import { CLOCK_SKEW_MS } from '../../model/clock-skew.ts';
import type { Cloud } from '../../model/cloud.ts';
import type { CloudInstance, InstanceSpec } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import { machineName } from '../contract/names.ts';
import { encodedUserData } from '../contract/user-data.ts';
import { anyAnswerSchema, machineSchema, statusSchema } from './answers.ts';
import { isNotFound, isRefusalByCloud, saysItExists } from './errors.ts';
import type { MachineReader } from './machine-reader.ts';
import { machineOf, systemIdOfStray } from './machines.ts';
import { cbSpiderMetadata } from './metadata.ts';
import type { Networks } from './networks.ts';
import { idTransformMode } from './providers.ts';
import type { Registration, SpiderSite } from './registration.ts';
import type { SpiderTransport } from './transport.ts';

/**
 * Time in ms after a removal was requested during which the driver does not repeat the request. In CB-Spider, each
 * repetition would wait for the first request.
 */
const REMOVAL_KEPT_MS = 60_000;

export interface LauncherOptions {
  transport: SpiderTransport;
  registration: Registration;
  reader: MachineReader;
  networks: Networks;
  cloud: Cloud;
  deploymentId: string;
  /** Time in ms after which the driver stops waiting for a create or remove call. CB-Spider continues the call. */
  handOverMs: number;
}

/** Creates and removes machines, without waiting for the end of a long call. */
export class Launcher {
  readonly #options: LauncherOptions;
  /**
   * Backend ids whose removal is under way in CB-Spider, each with the time until which the removal is not requested
   * again.
   */
  readonly #removals = new Map<string, number>();

  constructor(options: LauncherOptions) {
    this.#options = options;
  }

  async start(spec: InstanceSpec): Promise<CloudInstance> {
    const { registration, transport, deploymentId } = this.#options;
    if (encodedUserData(spec) !== undefined || spec.market !== undefined) {
      throw new DriverError(
        'Unsupported',
        'CB-Spider supports neither user data nor spot machines: leave these out of the request',
      );
    }
    if (spec.publicIp === false) {
      throw new DriverError(
        'Unsupported',
        'CB-Spider gives each machine a public address: leave publicIp out',
      );
    }
    const site = await registration.site(spec.location, spec.zone);
    const subnet = await this.#subnetOf(site, spec);
    const name = machineName(deploymentId, spec.launchToken, cbSpiderMetadata.maxNameLength);
    const beganAtMs = transport.clock.now();
    try {
      const started = await transport.handOver({
        kind: 'create',
        location: site.location,
        method: 'POST',
        path: ['vm'],
        body: this.#request(site, name, subnet, spec),
        answer: machineSchema,
        timeoutMs: this.#options.handOverMs,
      });
      const made =
        started === 'under-way'
          ? await this.#lookUp(site, name)
          : // CB-Spider answers only after the machine accepts SSH. Therefore the machine runs.
            machineOf(deploymentId, name, 'Running', started.answer);
      if (made) return made;
    } catch (error) {
      if (saysItExists(error)) {
        const existing = await this.#lookUp(site, name);
        if (existing) return existing;
        // CB-Spider keeps the name of a machine that it does not show. The name contains the launch token.
        throw new DriverError('OutcomeUnknown', error instanceof Error ? error.message : name, {
          answered: true,
          tokenIsUsed: true,
          call: 'POST /vm',
          cause: error,
        });
      } else {
        if (isRefusalByCloud(error)) await this.#removeHalfMade(site, name, beganAtMs);
        throw error;
      }
    }
    throw new DriverError('OutcomeUnknown', `CB-Spider has not confirmed that it started ${name}`, {
      call: 'POST /vm',
    });
  }

  /** Returns the subnet for a machine. Nothing is made in a network that a user has given. */
  async #subnetOf(
    site: SpiderSite,
    { networkBackendId, subnetBackendId, zone }: InstanceSpec,
  ): Promise<string> {
    const { networks } = this.#options;
    if (networks.isOurs(networkBackendId)) return await networks.subnetIn(site, networkBackendId, zone);
    if (subnetBackendId !== undefined) return subnetBackendId;
    throw new DriverError('InvalidRequest', `no subnet of network ${networkBackendId} is given`);
  }

  /**
   * Looks up a machine. Returns undefined if the read fails. The create call then throws OutcomeUnknown, because
   * CB-Spider may have made the machine.
   */
  async #lookUp(site: SpiderSite, name: string): Promise<CloudInstance | undefined> {
    try {
      return await this.#options.reader.find(site, name);
    } catch (error) {
      if (error instanceof DriverError) return undefined;
      throw error;
    }
  }

  /**
   * Removes the machines that a failed start left behind. If CB-Spider's first read of a new machine fails, the machine
   * stays at the cloud, and CB-Spider has no name for it. A machine that is older than the call is not removed, because
   * the call did not create it.
   *
   * @throws DriverError OutcomeUnknown if the look-up or the removal of such a machine fails or takes too long
   */
  async #removeHalfMade(site: SpiderSite, name: string, beganAtMs: number): Promise<void> {
    const { reader } = this.#options;
    try {
      for (const { systemId, startedAtMs = beganAtMs } of await reader.leftovers(site, name)) {
        if (startedAtMs < beganAtMs - CLOCK_SKEW_MS) continue;
        if ((await this.#removeFromCloud(site, systemId)) === 'under-way') throw halfMade(name);
      }
    } catch (cause) {
      if (!(cause instanceof DriverError)) throw cause;
      throw halfMade(name, cause);
    }
  }

  /**
   * Removes a machine. CB-Spider locks a name while it handles a call for that name. Therefore CB-Spider handles the
   * removal only after a start under this name has ended. If CB-Spider then does not know the name, a failed start may
   * have left a machine of this name at the cloud. If there are several such machines, only the oldest is removed,
   * because the others may be copies.
   */
  async remove(location: string, backendId: string): Promise<void> {
    const { registration, transport, reader } = this.#options;
    if ((this.#removals.get(backendId) ?? 0) > transport.clock.now()) return;
    const site = await registration.site(location);
    const stray = systemIdOfStray(backendId);
    if (stray !== undefined) {
      await this.#removeFromCloud(site, stray);
      return;
    }
    try {
      const removed = await transport.handOver({
        location,
        method: 'DELETE',
        path: ['vm', backendId],
        body: { ConnectionName: site.connectionName },
        answer: anyAnswerSchema,
        timeoutMs: this.#options.handOverMs,
      });
      reader.noteGoing(site, backendId, removed !== 'under-way');
      if (removed === 'under-way') this.#removals.set(backendId, transport.clock.now() + REMOVAL_KEPT_MS);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      const [leftover] = await reader.leftovers(site, backendId);
      if (leftover) await this.#removeFromCloud(site, leftover.systemId);
    }
  }

  async #removeFromCloud(
    { connectionName, location }: SpiderSite,
    systemId: string,
  ): Promise<'removed' | 'under-way'> {
    try {
      const removed = await this.#options.transport.handOver({
        location,
        method: 'DELETE',
        path: ['cspvm', systemId],
        body: { ConnectionName: connectionName },
        answer: statusSchema,
        timeoutMs: this.#options.handOverMs,
      });
      return removed === 'under-way' ? removed : 'removed';
    } catch (error) {
      if (isNotFound(error)) return 'removed';
      throw error;
    }
  }

  #request(site: SpiderSite, name: string, subnet: string, spec: InstanceSpec): object {
    return {
      ConnectionName: site.connectionName,
      IDTransformMode: idTransformMode(this.#options.cloud, 'instance'),
      ReqInfo: {
        Name: name,
        ImageType: 'PublicImage',
        ImageName: spec.imageBackendId,
        VMSpecName: spec.instanceType,
        VPCName: spec.networkBackendId,
        SubnetName: subnet,
        SecurityGroupNames: spec.securityGroupBackendIds,
        KeyPairName: spec.keyPairBackendId,
        RootDiskType: '',
        RootDiskSize: spec.rootDisk?.sizeGb === undefined ? '' : String(spec.rootDisk.sizeGb),
      },
    };
  }
}

function halfMade(name: string, cause?: DriverError): DriverError {
  return new DriverError(
    'OutcomeUnknown',
    `the start of ${name} failed and may have left a machine at the cloud`,
    {
      call: 'POST /vm',
      ...(cause === undefined ? {} : { cause }),
    },
  );
}
