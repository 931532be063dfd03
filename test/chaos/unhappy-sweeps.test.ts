import { describe, expect, it } from 'vitest';
import { DEPLOYMENT_TAG, INSTANCE_TAG } from '../../functions/drivers/contract/driver.ts';
import { machineName } from '../../functions/drivers/contract/names.ts';
import type { FleetRequest } from '../../functions/model/fleet-request.ts';
import { cloudConfigSchema } from '../../local/sim/engine/config.ts';
import { plantInstance } from '../../local/sim/engine/plant.ts';
import type { InstanceRecord } from '../../local/sim/engine/records.ts';
import { CALM } from './ground/disturbance.ts';
import { DEPLOYMENT } from './models/clouds.ts';
import { calmScenario, fleetAt } from './scenario/calm.ts';
import { AWS, EAST, isGone, isUp, PATIENT } from './scenario/limited.ts';
import { runScenario, type Story } from './scenario/run.ts';
import type { Scenario } from './scenario/scenario.ts';
import type { Stage } from './scenario/stage.ts';
import { CALLER } from './world/caller.ts';
import { NAMESPACE } from './world/lab.ts';

const MOST = 5;
const SWEPT_OFTEN = { sweepIntervalMs: 60_000, graceSeconds: 60 };

/**
 * Creates and deletes a fleet, then plants its machines again. The closed record of each machine proves that
 * this deployment made it, and no open record claims it.
 */
async function leftovers(stage: Stage, count: number): Promise<InstanceRecord[]> {
  const fleet = await stage.create(fleetAt(AWS, count, EAST));
  await stage.until(fleet.id, isUp);
  const records = await stage.records(fleet);
  await stage.remove(fleet.id);
  await stage.until(fleet.id, isGone);
  return records.map(({ instanceId, launchToken }) =>
    plantInstance(stage.lab.clouds.engine.world, {
      cloud: 'aws',
      connection: 'sim-aws',
      location: 'east-1',
      name: machineName(DEPLOYMENT, launchToken),
      launchToken,
      tags: { [DEPLOYMENT_TAG]: DEPLOYMENT, [INSTANCE_TAG]: instanceId },
      instanceType: 'small',
      networkId: '',
    }),
  );
}

/** Returns the number of these machines for which a worker has requested a removal. */
function removedOf(stage: Stage, machines: readonly InstanceRecord[]): number {
  const ids = new Set(machines.map(({ backendId }) => backendId));
  return stage.lab.clouds
    .machines()
    .filter(({ backendId, removeAskedAtMs }) => ids.has(backendId) && removeAskedAtMs !== undefined).length;
}

const about = { params: { namespace: NAMESPACE }, idempotencyKey: undefined };
const holdsOf = async ({ lab }: Stage) =>
  (
    await lab.requestResources(({ listSweepHolds }) =>
      listSweepHolds({ ...about, query: { limit: 100 }, body: undefined }),
    )
  ).body.items;
const continueSweeps = async ({ lab }: Stage, location?: string) =>
  (
    await lab.requestResources((operations) =>
      operations.continueSweeps({
        ...about,
        query: {},
        body: { connection: 'sim-aws', ...(location === undefined ? {} : { location }) },
        caller: CALLER,
      }),
    )
  ).body.continued;
const auditOf = ({ lab }: Stage, type: string) =>
  lab.tables.audit.all().filter((item) => String(item['pk']).startsWith('LOG#') && item['type'] === type);

/** Plays a story that makes two machines of one token on purpose, and expects no other violation. */
async function tell(story: Story, scenario = calmScenario(SWEPT_OFTEN)): Promise<void> {
  const { violations } = await runScenario(scenario, false, story);
  expect(violations.filter(({ kind }) => kind !== 'duplicated')).toEqual([]);
}

describe('the daily cap of removals by sweeps', PATIENT, () => {
  it('sweeps remove machines up to the daily cap, report one hold, and remove the others after an operator continued the sweeps', async () => {
    await tell(async (stage) => {
      const machines = await leftovers(stage, 12);
      await stage.pass(60);
      expect(removedOf(stage, machines)).toBe(MOST);
      expect(await holdsOf(stage)).toMatchObject([
        { connection: 'sim-aws', location: 'east-1', because: 'cap', waiting: 7 },
      ]);
      expect(stage.lab.events.filter(({ type }) => type === 'Sweep Held')).toHaveLength(1);
      expect(auditOf(stage, 'sweep.held')).toHaveLength(1);
      expect(await continueSweeps(stage, 'west-1')).toEqual([]);
      expect(await continueSweeps(stage, 'east-1')).toMatchObject([{ location: 'east-1', waiting: 7 }]);
      expect(auditOf(stage, 'sweep.continue')).toMatchObject([
        { actor: CALLER.actor, target: { name: 'sim-aws' }, data: { location: 'west-1' } },
        { actor: CALLER.actor, target: { name: 'sim-aws' }, data: { location: 'east-1' } },
      ]);
      await stage.pass(10);
      expect(removedOf(stage, machines)).toBe(12);
      expect(await holdsOf(stage)).toEqual([]);
      expect(await continueSweeps(stage)).toEqual([]);
    });
  });

  it('sweeps that run together, die or are repeated remove no more than the daily cap', async () => {
    const troubled = {
      ...CALM,
      kill: 0.003,
      lostWrite: 0.01,
      repeatedWrite: 0.02,
      conflict: 0.02,
      duplicate: 0.2,
    };
    await tell(async (stage) => {
      const machines = await leftovers(stage, 12);
      stage.lab.ground.disturbance = { ...troubled, newProcess: 0.3 };
      for (let round = 0; round < 40; round += 1) {
        for (let copies = 0; copies < 3; copies += 1) {
          stage.lab.queue.send(
            JSON.stringify({
              kind: 'sweep',
              connectionKey: `sim/${NAMESPACE}/sim-aws`,
              location: 'east-1',
              dryRun: false,
              round: 0,
            }),
            0,
          );
        }
        await stage.pass(0.5);
        expect(removedOf(stage, machines)).toBeLessThanOrEqual(MOST);
      }
      expect(removedOf(stage, machines)).toBe(MOST);
      stage.lab.ground.disturbance = CALM;
      await continueSweeps(stage);
      await stage.pass(10);
      expect(removedOf(stage, machines)).toBe(12);
    }, calmScenario(SWEPT_OFTEN));
  });
});

describe('a network of an ended fleet that shows up again', PATIENT, () => {
  const MINUTE_MS = 60_000;
  const dedicated = (name: string): FleetRequest => ({
    ...fleetAt(AWS, 1, { ...EAST, name }),
    network: { mode: 'dedicated' },
  });
  /** Returns a scenario in which such a network shows up at minute 20, and the account may have `networkQuota` networks. */
  const scenarioOf = (networkQuota: number): Scenario => {
    const calm = calmScenario(SWEPT_OFTEN);
    const aws = { ...calm.clouds['aws'], networkQuota };
    const planted = [
      { account: 'sim-aws', cloud: 'aws' as const, whose: 'ended' as const, atMs: 20 * MINUTE_MS },
    ];
    return { ...calm, clouds: { ...calm.clouds, aws: cloudConfigSchema.parse(aws) }, planted };
  };

  it.each([
    [1, 1],
    [2, 2],
  ])('with a quota of %i, the account has %i networks while another fleet has one', async (quota, count) => {
    await tell(async (stage) => {
      const ended = await stage.create(dedicated('ended'));
      await stage.until(ended.id, isUp);
      await stage.remove(ended.id);
      await stage.until(ended.id, isGone);
      const other = await stage.create(dedicated('other'));
      await stage.until(other.id, isUp);
      await stage.lab.ground.sleep(
        20 * MINUTE_MS + 10_000 - stage.lab.ground.now() + stage.lab.ground.startMs,
      );
      const networks = stage.lab.clouds.sites
        .flatMap(({ resources }) => [...resources.values()])
        .filter(({ kind }) => kind === 'network');
      expect(networks).toHaveLength(count);
    }, scenarioOf(quota));
  });
});
