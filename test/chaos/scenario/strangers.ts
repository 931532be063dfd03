import { DEPLOYMENT_TAG, INSTANCE_TAG } from '../../../functions/drivers/driver.ts';
import { machineName } from '../../../functions/drivers/names.ts';
import { plantInstance } from '../../../local/sim/engine/plant.ts';
import type { InstanceRecord } from '../../../local/sim/engine/records.ts';
import type { Violation } from '../invariants/violation.ts';
import { DEPLOYMENT } from '../models/clouds.ts';
import type { Lab } from '../world/lab.ts';
import type { Planted, Scenario } from './scenario.ts';

/** Ids that no fleet of a run has, whatever its seed. */
const LOST_FLEET = 'f0000000000000000';

/** Machines that no fleet asked for: those of others must stay, ours must go, and not before their time. */
export class Strangers {
  readonly #lab: Lab;
  readonly #scenario: Scenario;
  readonly #planted: { whose: Planted['whose']; record: InstanceRecord }[] = [];

  constructor(lab: Lab, scenario: Scenario) {
    this.#lab = lab;
    this.#scenario = scenario;
  }

  async plant(): Promise<void> {
    const { ground } = this.#lab;
    await Promise.all(
      this.#scenario.planted.map(async (one, at) => {
        await ground.sleep(one.atMs);
        const record = plantInstance(this.#lab.clouds.engine.world, {
          cloud: one.cloud,
          connection: one.account,
          location: 'east-1',
          ...identity(one.whose, at),
          instanceType: 'small',
          networkId: '',
        });
        ground.trace.add('scenario', `planted ${record.backendId} of ${one.whose}`);
        this.#planted.push({ whose: one.whose, record });
      }),
    );
  }

  check(): Violation[] {
    const { graceSeconds, skewMs } = this.#scenario;
    // Seen by one clock, removed by another.
    const graceMs = Math.max(0, graceSeconds * 1_000 - 2 * skewMs);
    const machines = new Map(this.#lab.clouds.machines().map((machine) => [machine.backendId, machine]));
    return this.#planted.flatMap(({ whose, record }): Violation[] => {
      const { backendId, acceptedAtMs } = record;
      const now = machines.get(backendId);
      // A cloud's fault may have made any of them vanish.
      if (now?.vanished) return [];
      const goneAtMs = now?.removeAskedAtMs;
      if (whose !== 'ours') {
        return goneAtMs === undefined
          ? []
          : [{ kind: 'foreign', text: `${backendId} of ${whose} was removed` }];
      }
      if (goneAtMs === undefined) return [{ kind: 'leaked', text: `the planted orphan ${backendId} stands` }];
      return goneAtMs < acceptedAtMs + graceMs
        ? [{ kind: 'foreign', text: `${backendId} was removed ${goneAtMs - acceptedAtMs} ms after it came` }]
        : [];
    });
  }
}

function identity(whose: Planted['whose'], at: number) {
  const id = `${LOST_FLEET}-0000${at}`;
  const launchToken = `${id}.1`;
  switch (whose) {
    case 'ours':
      return {
        name: machineName(DEPLOYMENT, launchToken),
        launchToken,
        tags: { [DEPLOYMENT_TAG]: DEPLOYMENT, [INSTANCE_TAG]: id },
      };
    case 'another': {
      const deployment = `${DEPLOYMENT}-2`;
      return {
        name: machineName(deployment, launchToken),
        launchToken,
        tags: { [DEPLOYMENT_TAG]: deployment, [INSTANCE_TAG]: id },
      };
    }
    case 'nobody':
      return { name: `fw-${at}`, tags: {} };
  }
}
