import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BatchCreate, Reboot, StopStart } from '../../functions/drivers/contract/capabilities.ts';
import type { CloudClient, CloudInstance, InstanceSpec } from '../../functions/drivers/contract/driver.ts';
import { instanceId, launchToken, makeFleetId } from '../../functions/model/identifiers.ts';
import { layGround } from '../contract/suite/ground.ts';
import type { LivePlan } from './plan.ts';
import { sweep } from './sweep.ts';

/** The deployment id of all runs. Each run can therefore remove the resources of an earlier run. */
export const LIVE_DEPLOYMENT = 'fleetwright-live';

export interface LiveOptions {
  client: CloudClient & BatchCreate & Reboot & StopStart;
  plan: LivePlan;
  publicKey: string;
  /** The pause between two reads of the cloud, in milliseconds. */
  pollMs: number;
  say(line: string): void;
  /** Ends the run early. The run still removes all its resources. */
  signal: AbortSignal;
}

export interface LiveReport {
  passed: string[];
  failed: { step: string; message: string }[];
  /** Ids of the resources of an earlier run. */
  leftBefore: string[];
  /** Ids of the resources that the steps left for the final removal; empty if all steps passed. */
  leftBySteps: string[];
  /** Ids of the resources that could not be removed. */
  left: string[];
}

/** Time limit of each removal, in ms. At the limit, the run reports the resources that are left. */
const SWEEP_MS = 10 * 60_000;

/** Makes, uses and removes machines, step by step. Finally removes everything, even after a failed step. */
export async function runLive(options: LiveOptions): Promise<LiveReport> {
  const { client, plan, pollMs, say } = options;
  const sweeping = { pollMs, forMs: SWEEP_MS, say };
  const before = await sweep(client, plan.location, sweeping);
  const report: LiveReport = {
    passed: [],
    failed: [],
    leftBefore: before.found,
    leftBySteps: [],
    left: before.left,
  };
  if (before.left.length > 0) return report;
  const run = new Steps(options);
  try {
    for (const [step, work] of run.all()) {
      try {
        run.requireTime();
        await work();
        report.passed.push(step);
        say(`ok   ${step}`);
      } catch (error) {
        const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
        report.failed.push({ step, message });
        say(`FAIL ${step}: ${message}`);
        break;
      }
    }
  } finally {
    const { found, left } = await sweep(client, plan.location, sweeping);
    report.leftBySteps = found;
    report.left = left;
  }
  return report;
}

/** The steps of a run. Each step needs the earlier steps. */
class Steps {
  readonly #options: LiveOptions;
  readonly #untilMs: number;
  readonly #fleetId = makeFleetId(Date.now(), Math.random);
  #image = '';
  #ground:
    | Pick<InstanceSpec, 'networkBackendId' | 'securityGroupBackendIds' | 'keyPairBackendId'>
    | undefined;
  #machines: CloudInstance[] = [];

  constructor(options: LiveOptions) {
    this.#options = options;
    this.#untilMs = Date.now() + options.plan.minutes * 60_000;
  }

  all(): [string, () => Promise<void>][] {
    return [
      ['the credential is verified', () => this.#verify()],
      ['the catalogue has the location, type and image', () => this.#read()],
      ['a network, a security group and a key pair are each made once', () => this.#layGround()],
      ['two creates with one token make one machine', () => this.#createOne()],
      ['a search by each token of a batch finds its machine', () => this.#createBatch()],
      ['all machines run with public addresses and are listed', () => this.#comeUp()],
      ['a machine is rebooted, stopped and started', () => this.#powerCycle()],
      ['all machines are terminated and gone', () => this.#terminate()],
    ];
  }

  /** Checks that the run may continue. @throws Error if the run was interrupted or its time is over */
  requireTime(): void {
    this.#options.signal.throwIfAborted();
    assert.ok(Date.now() < this.#untilMs, 'the time limit of the estimate is over');
  }

  async #verify(): Promise<void> {
    const { account } = await this.#options.client.verifyCredential();
    this.#options.say(`account ${account}`);
  }

  async #read(): Promise<void> {
    const { client, plan } = this.#options;
    const locations = await client.listLocations();
    assert.ok(
      locations.some(({ name, available }) => name === plan.location && available),
      plan.location,
    );
    const { offers } = await client.listOffers(plan.location);
    assert.ok(
      offers.some(({ instanceType }) => instanceType === plan.instanceType),
      plan.instanceType,
    );
    const image = (await client.listImages(plan.location)).find(({ name }) => name === plan.image);
    assert.ok(image, `no image ${plan.image}`);
    this.#image = image.backendId;
  }

  async #layGround(): Promise<void> {
    const { client, plan, publicKey } = this.#options;
    const lay = () => layGround(client, plan.location, `${this.#fleetId.slice(1)}live`, publicKey);
    const [first, again] = [await lay(), await lay()];
    assert.deepEqual(again, first);
    this.#ground = first.forSpecs;
  }

  async #createOne(): Promise<void> {
    const { client } = this.#options;
    const spec = this.#spec(0);
    const [machine, same] = [await client.createInstance(spec), await client.createInstance(spec)];
    assert.equal(same.backendId, machine.backendId);
    this.#machines.push(machine);
  }

  async #createBatch(): Promise<void> {
    const { client, plan } = this.#options;
    const specs = Array.from({ length: plan.machines - 1 }, (_, at) => this.#spec(at + 1));
    for (const outcome of await client.createInstances(specs)) {
      if ('error' in outcome) throw outcome.error;
      this.#machines.push(outcome.instance);
    }
    for (const { launchToken: token } of specs) {
      await this.#until(`a search by token ${token} finds its machine`, async () => {
        const found = await client.findInstanceByToken(plan.location, token);
        return this.#machines.find(({ launchToken: own }) => own === token)?.backendId === found?.backendId;
      });
    }
  }

  async #comeUp(): Promise<void> {
    const { client, plan } = this.#options;
    await this.#until('all machines run', async () => {
      const listed = await client.listInstances(plan.location);
      return this.#machines.every(({ backendId }) =>
        listed.some(
          (one) => one.backendId === backendId && one.status === 'Running' && one.publicIp !== undefined,
        ),
      );
    });
  }

  async #powerCycle(): Promise<void> {
    const { client, plan } = this.#options;
    const id = this.#machines[0]?.backendId ?? '';
    await client.rebootInstance(plan.location, id);
    await this.#untilStatus(id, 'Running');
    await client.stopInstance(plan.location, id);
    await this.#untilStatus(id, 'Suspended');
    await client.startInstance(plan.location, id);
    await this.#untilStatus(id, 'Running');
  }

  async #terminate(): Promise<void> {
    const { client, plan } = this.#options;
    for (const { backendId } of this.#machines) await client.terminateInstance(plan.location, backendId);
    await this.#until('no machine is listed', async () => {
      const listed = await client.listInstances(plan.location);
      return listed.every(({ status }) => status === 'Terminated');
    });
    const { left } = await sweep(client, plan.location, { ...this.#options, forMs: SWEEP_MS });
    assert.deepEqual(left, []);
  }

  #spec(index: number): InstanceSpec {
    const { plan } = this.#options;
    assert.ok(this.#ground);
    const id = instanceId({ fleetId: this.#fleetId, index });
    return {
      ...this.#ground,
      location: plan.location,
      instanceId: id,
      launchToken: launchToken(id, 1),
      instanceType: plan.instanceType,
      imageBackendId: this.#image,
      tags: { purpose: 'a test of Fleetwright' },
    };
  }

  async #untilStatus(id: string, status: CloudInstance['status']): Promise<void> {
    const { client, plan } = this.#options;
    await this.#until(`${id} is ${status}`, async () => {
      return (await client.getInstance(plan.location, id)).status === status;
    });
  }

  async #until(what: string, holds: () => Promise<boolean>): Promise<void> {
    while (!(await holds())) {
      this.requireTime();
      this.#options.say(`     waiting: ${what}`);
      await sleep(this.#options.pollMs);
    }
  }
}
