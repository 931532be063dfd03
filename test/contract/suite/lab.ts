import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { has } from '../../../functions/drivers/contract/capabilities.ts';
import type {
  CloudClient,
  CloudInstance,
  Driver,
  InstanceSpec,
} from '../../../functions/drivers/contract/driver.ts';
import { DriverError, type DriverErrorCode } from '../../../functions/drivers/contract/errors.ts';
import type { Credential } from '../../../functions/model/connection.ts';
import { instanceId, launchToken, makeFleetId } from '../../../functions/model/identifiers.ts';
import { CountingGate, openGate } from '../../calls/gates.ts';
import type { FaultProxy } from '../../fault-proxy/fault-proxy.ts';
import { type Ground, layGround, removeGround } from './ground.ts';
import type { CloudUnderTest } from './harness.ts';
import { type Thrown, watchClient } from './watch-client.ts';

export const DEPLOYMENT = 'contract-suite';
const POLL_MS = 250;

/**
 * The environment of one assertion: clients whose calls pass the fault proxy, specs of machines, methods that wait,
 * and a clean-up.
 */
export class Lab {
  readonly driver: Driver;
  readonly cloud: CloudUnderTest;
  readonly proxy: FaultProxy;
  readonly client: CloudClient;
  /** The permit gate of all clients whose requests go to the proxy. */
  readonly gate = new CountingGate();
  /** All errors that a client threw. */
  readonly thrown: Thrown[] = [];
  readonly #fleetId: string;
  readonly #grounds = new Map<CloudClient, Map<string, Promise<Ground>>>();
  /** The clients whose machines and network resources must be removed, one for each deployment. */
  readonly #deployments: CloudClient[] = [];
  #next = 0;

  constructor(driver: Driver, cloud: CloudUnderTest, proxy: FaultProxy) {
    this.driver = driver;
    this.cloud = cloud;
    this.proxy = proxy;
    this.#fleetId = makeFleetId(Date.now(), Math.random);
    this.client = this.ofDeployment(DEPLOYMENT);
  }

  /** Returns a client whose machines and network resources are removed at the end. */
  ofDeployment(deploymentId: string): CloudClient {
    const client = this.connect({ deploymentId });
    this.#deployments.push(client);
    return client;
  }

  connect(
    over: { credential?: Credential; deploymentId?: string; endpoint?: string; isTrial?: boolean } = {},
  ): CloudClient {
    const { cloud, credential, endpoint } = this.cloud;
    const client = this.driver.connect({
      cloud,
      credential,
      endpoint: endpoint((upstream) => this.proxy.urlOf(upstream)),
      deploymentId: DEPLOYMENT,
      connectionKey: 'contract/suite',
      calls: over.endpoint === undefined ? this.gate : openGate,
      ...over,
    });
    return watchClient(client, this.thrown);
  }

  /** Returns a unique name for a network resource. */
  name(): string {
    this.#next += 1;
    return `${this.#fleetId.slice(1)}${String(this.#next).padStart(4, '0')}`;
  }

  /** Returns the network resources for specs. Makes the resources once for each location and client. */
  ground(location = this.cloud.location, client = this.client): Promise<Ground> {
    const grounds = this.#grounds.get(client) ?? new Map<string, Promise<Ground>>();
    this.#grounds.set(client, grounds);
    const laid = grounds.get(location) ?? layGround(client, location, this.name(), this.cloud.publicKey);
    grounds.set(location, laid);
    laid.catch(() => grounds.delete(location));
    return laid;
  }

  /** Returns a spec with a new instance id. */
  async spec(over: Partial<InstanceSpec> = {}, client = this.client): Promise<InstanceSpec> {
    const location = over.location ?? this.cloud.location;
    const ground = await this.ground(location, client);
    this.#next += 1;
    const id = instanceId({ fleetId: this.#fleetId, index: this.#next });
    const spec: InstanceSpec = {
      location,
      instanceId: id,
      launchToken: launchToken(id, 1),
      instanceType: this.cloud.instanceType,
      imageBackendId: over.imageBackendId ?? (await this.#imageAt(location)),
      ...(this.cloud.zone === undefined || location !== this.cloud.location ? {} : { zone: this.cloud.zone }),
      ...ground.forSpecs,
      tags: {},
      ...over,
    };
    return this.cloud.shapeSpec?.(spec) ?? spec;
  }

  async specs(count: number): Promise<InstanceSpec[]> {
    return await Promise.all(Array.from({ length: count }, () => this.spec()));
  }

  /**
   * Waits until `read` returns a value.
   *
   * @throws AssertionError that names `what`, if `read` returns no value in time
   */
  async until<Answer>(what: string, read: () => Promise<Answer | undefined>, forMs = this.cloud.timeLimitMs) {
    const untilMs = Date.now() + forMs;
    for (;;) {
      const answer = await read();
      if (answer !== undefined) return answer;
      assert.ok(Date.now() < untilMs, `this did not happen within ${Math.round(forMs / 1_000)} s: ${what}`);
      await sleep(Math.min(POLL_MS, this.cloud.consistencyWindowMs + 10));
    }
  }

  async untilStatus(machine: { backendId: string }, status: CloudInstance['status']): Promise<CloudInstance> {
    const { backendId } = machine;
    let last: CloudInstance | undefined;
    return await this.until(`${backendId} is ${status}`, async () => {
      last = await this.client.getInstance(this.cloud.location, backendId);
      assert.ok(
        status === 'Failed' || last.status !== 'Failed',
        `machine ${backendId} is Failed: ${last.failureMessage}`,
      );
      return last.status === status ? last : undefined;
    });
  }

  /** Waits until the consistency window is over. Afterwards lists and look-ups show all earlier changes. */
  async awaitConsistency(): Promise<void> {
    await sleep(this.cloud.consistencyWindowMs);
  }

  /** Lists the machines of these specs that are not terminated. */
  async listed(specs: readonly InstanceSpec[], client = this.client): Promise<CloudInstance[]> {
    const ids = new Set(specs.map((spec) => spec.instanceId));
    const [{ location } = { location: this.cloud.location }] = specs;
    return (await client.listInstances(location)).filter(
      (one) => ids.has(one.instanceId ?? '') && one.status !== 'Terminated',
    );
  }

  /** Asserts that a call fails with one of `codes`, and returns the error. */
  async fails(work: Promise<unknown>, ...codes: readonly DriverErrorCode[]): Promise<DriverError> {
    const error: unknown = await work.then(
      () => assert.fail(`the call succeeded, and should fail with ${codes.join(' or ')}`),
      (reason: unknown) => reason,
    );
    if (!(error instanceof DriverError)) throw error;
    assert.ok(codes.includes(error.code), `${error.code} instead of ${codes.join(' or ')}: ${error.message}`);
    return error;
  }

  /** Removes all machines and, if `all` is true, their network resources. */
  async clean({ all }: { all: boolean }): Promise<void> {
    this.proxy.calm();
    const { location, secondLocation } = this.cloud;
    for (const client of this.#deployments) {
      for (const site of new Set([location, secondLocation])) {
        await this.#removeMachines(client, site);
        await this.#removeVolumes(client, site);
        if (all) await removeGround(this, client, site);
      }
      if (all) this.#grounds.delete(client);
    }
  }

  async #removeMachines(client: CloudClient, location: string): Promise<void> {
    await this.until(`every machine at ${location} is gone`, async () => {
      const left = (await client.listInstances(location)).filter(({ status }) => status !== 'Terminated');
      const asked = left.filter(({ status }) => status !== 'Terminating');
      await Promise.all(asked.map((one) => client.terminateInstance(location, one.backendId)));
      return left.length === 0 ? true : undefined;
    });
  }

  async #removeVolumes(client: CloudClient, location: string): Promise<void> {
    if (!has(client, 'volumes')) return;
    await this.until(`every volume at ${location} is gone`, async () => {
      const left = await client.listVolumes(location);
      const free = left.filter(({ attachedTo, isLeaving }) => attachedTo === undefined && !isLeaving);
      await Promise.all(free.map(({ backendId }) => client.deleteVolume(location, backendId)));
      // A list may have left out a machine that was just created. Its volume shows that it exists.
      if (left.length > free.length) await this.#removeMachines(client, location);
      return left.length === 0 ? true : undefined;
    });
  }

  async #imageAt(location: string): Promise<string> {
    const images = await this.client.listImages(location);
    const image = images.find(({ name }) => name === this.cloud.image);
    assert.ok(image, `no image ${this.cloud.image} at ${location}`);
    return image.backendId;
  }
}
