import { DEPLOYMENT_TAG, INSTANCE_TAG } from '../../../functions/drivers/contract/driver.ts';
import { machineName } from '../../../functions/drivers/contract/names.ts';
import { type InstanceItem, instanceItemSchema } from '../../../functions/platform/store/instances.ts';
import { plantInstance } from '../../../local/sim/engine/plant.ts';
import type { SimEvent } from '../../../local/sim/engine/records.ts';
import { auditEntries } from '../invariants/check-access.ts';
import { type Violation, violationBy } from '../invariants/violation.ts';
import { DEPLOYMENT } from '../models/clouds.ts';
import type { Lab } from '../world/lab.ts';
import type { Scenario } from './scenario.ts';

/**
 * Maximum number of machines that sweeps remove at a site in a day. The maximum is higher only at sites with
 * at least 120 machines: 5 % of the machines.
 */
const MOST_PER_DAY = 5;
const FEWEST = MOST_PER_DAY + 1;
const LOOK_MS = 15_000;
/**
 * Time after the closing of a record, in ms, within which a slow call of its attempt may still make a
 * machine.
 */
const LATELY_MS = 3 * 60_000;

/**
 * Plants many machines of deleted fleets at one site together. The closed record of each machine proves that
 * this deployment made it, and no open record claims it. Sweeps may remove a few of these machines a day.
 * Sweeps may remove the others only after an operator continued the sweeps.
 */
export class Leftovers {
  readonly #lab: Lab;
  readonly #scenario: Scenario;
  readonly #violations: Violation[];
  readonly #planted = new Set<string>();
  readonly #removed = new Set<string>();

  constructor(lab: Lab, scenario: Scenario, violations: Violation[]) {
    this.#lab = lab;
    this.#scenario = scenario;
    this.#violations = violations;
  }

  /**
   * Waits until enough records of one site were closed in the last minutes, and plants their machines. Plants
   * nothing if the trouble ends first.
   */
  async plant(): Promise<void> {
    const { ground } = this.#lab;
    const untilMs = ground.now() + this.#scenario.troubleMs;
    while (ground.now() < untilMs) {
      await ground.sleep(LOOK_MS);
      const site = [...Map.groupBy(this.#closedLately(), siteOf).values()].find(
        ({ length }) => length >= FEWEST,
      );
      if (!site) continue;
      for (const record of site) this.#plantOne(record);
      return;
    }
  }

  /** Called with each event of the clouds. */
  readonly onEvent = (event: SimEvent): void => {
    if (event.kind !== 'instance' || !this.#planted.has(event.record.backendId)) return;
    const { backendId, removeAskedAtMs, vanished } = event.record;
    if (removeAskedAtMs === undefined || vanished) return;
    this.#removed.add(backendId);
    // Check both the count and the audit log. An operator who gets no answer does not count the request.
    const isContinued =
      this.#lab.ground.counts.continuedSweeps > 0 || auditEntries(this.#lab, 'sweep.continue').length > 0;
    if (this.#removed.size <= MOST_PER_DAY || isContinued) return;
    const text = `sweeps removed ${this.#removed.size} machines of a site in a day, and no operator had continued the sweeps`;
    this.#violations.push(violationBy('foreign', text, this.#lab.ground.caller));
  };

  /**
   * Returns the cloud of a connection; undefined if the run creates and deletes that connection, because the
   * connection may be gone.
   */
  #cloudOf(connectionKey: string): string | undefined {
    const name = accountOf(connectionKey);
    return this.#scenario.connections.find((one) => one.name === name)?.cloud;
  }

  #closedLately(): InstanceItem[] {
    const { tables, ground } = this.#lab;
    return tables.fleets
      .all()
      .filter(({ pk }) => String(pk).startsWith('INST#'))
      .map((item) => instanceItemSchema.parse(item))
      .filter(
        ({ connectionKey, status, failure, backendId, firstSentAtMs, terminatedAt }) =>
          this.#cloudOf(connectionKey) !== undefined &&
          status === 'Terminated' &&
          failure === undefined &&
          backendId !== undefined &&
          firstSentAtMs !== undefined &&
          Date.parse(terminatedAt ?? '') + LATELY_MS > ground.now(),
      );
  }

  #plantOne({ connectionKey, location, instanceId, launchToken }: InstanceItem): void {
    const { clouds, ground } = this.#lab;
    const cloud = this.#cloudOf(connectionKey);
    if (cloud === undefined) return;
    const { backendId } = plantInstance(clouds.engine.world, {
      cloud,
      connection: accountOf(connectionKey),
      location,
      name: machineName(DEPLOYMENT, launchToken),
      launchToken,
      tags: { [DEPLOYMENT_TAG]: DEPLOYMENT, [INSTANCE_TAG]: instanceId },
      instanceType: 'small',
      networkId: '',
    });
    ground.trace.add('scenario', `planted ${backendId}, a leftover of ${instanceId}`);
    this.#planted.add(backendId);
  }
}

const accountOf = (connectionKey: string): string => connectionKey.split('/')[1] ?? '';
const siteOf = ({ connectionKey, location }: InstanceItem): string => `${connectionKey}#${location}`;
