import { describe, expect, it } from 'vitest';
import { executionName } from '../../functions/features/fleets/workflows.ts';
import type { RemovalInput } from '../../functions/platform/workflow/messages.ts';
import { assignmentOf, EXECUTION, FLEET_ID, locationNames } from './assignment-builder.ts';
import { allGood, type Functions, machineArn, named, World } from './world.ts';

const assignment = assignmentOf([
  { cloud: 'ncp', connection: 'production-ncp', locations: locationNames('ncp', 1), size: 2 },
]);

/**
 * Returns a simulated account (`World`) in which Settle answers that the fleet's next execution is `removal`.
 */
function world(removal: RemovalInput, functions: Functions = {}) {
  const status = removal.scope === 'fleet' ? 'RollingBack' : 'Creating';
  return new World(assignment, allGood, {
    settle: () => ({ status, removal: { ...removal } }),
    'finish-termination': () => ({ status: 'RolledBack', done: true }),
    ...functions,
  });
}

const rollback: RemovalInput = { fleetId: FLEET_ID, execution: 2, scope: 'fleet' };
const refine: RemovalInput = { fleetId: FLEET_ID, execution: 2, scope: 'failed' };

describe('a removal that the failure policy requires', () => {
  it.each([
    ['rollback', rollback],
    ['refine', refine],
  ])(
    'provision-fleet starts the removal of policy %s in another execution, and does not wait until that execution ends',
    async (_, removal) => {
      const rolling = world(removal);
      const { engine, scheduler } = rolling;
      const { finished } = engine.start(machineArn('provision-fleet'), executionName(EXECUTION), EXECUTION);
      const outcome = await scheduler.run(finished);
      const started = rolling.executionsOf('terminate-fleet');
      expect(started.map(({ name, input }) => ({ name, input }))).toEqual([
        { name: `${FLEET_ID}-2`, input: removal },
      ]);
      expect(outcome).toMatchObject({ status: 'SUCCEEDED' });
      expect(started[0]?.outcome).toBeUndefined();
      expect(rolling.invoked.map(({ name }) => name)).toContain('record-history');
      const well = new World(assignment);
      await well.run('provision-fleet');
      const [asking, plain] = [rolling, well].map((one) => one.executionsOf('provision-fleet')[0]?.history);
      expect((asking?.events ?? 0) - (plain?.events ?? 0)).toBe(5);
      expect((asking?.transitions ?? 0) - (plain?.transitions ?? 0)).toBe(1);
      await scheduler.run(Promise.all(started.map((one) => one.finished)));
      const kinds = rolling.sent.flatMap(({ message }) =>
        'scope' in message ? [message.kind, message.scope] : [],
      );
      expect(new Set(kinds)).toEqual(new Set(['terminate', 'remove-networks', removal.scope]));
      expect(rolling.invoked.filter(({ name }) => name === 'finish-termination')).toMatchObject([
        { payload: removal },
      ]);
    },
  );

  it('no removal is started if all instances run', async () => {
    const well = new World(assignment);
    await well.run('provision-fleet');
    expect(well.executionsOf('terminate-fleet')).toEqual([]);
  });

  it('a removal that is already running is not started again', async () => {
    const twice = world(rollback);
    const { engine } = twice;
    engine.start(machineArn('terminate-fleet'), executionName(rollback), { ...rollback });
    const { finished } = engine.start(machineArn('provision-fleet'), executionName(EXECUTION), EXECUTION);
    expect(await twice.scheduler.run(finished)).toMatchObject({ status: 'SUCCEEDED' });
    expect(twice.executionsOf('terminate-fleet')).toHaveLength(1);
  });

  it('a removal is started only once, even if the answer to its start is lost', async () => {
    const lost = world(rollback);
    const start = lost.engine.startChild.bind(lost.engine);
    let losses = 0;
    lost.engine.startChild = (arn, name, input) => {
      const child = start(arn, name, input);
      if (arn !== machineArn('terminate-fleet') || losses > 0) return child;
      losses += 1;
      throw named('StepFunctions.SdkClientException');
    };
    expect(await lost.run('provision-fleet')).toMatchObject({ status: 'SUCCEEDED' });
    expect(losses).toBe(1);
    expect(lost.executionsOf('terminate-fleet')).toHaveLength(1);
  });

  it('an execution of provision-fleet succeeds even if terminate-fleet cannot be started', async () => {
    const refused = world(rollback);
    const start = refused.engine.startChild.bind(refused.engine);
    let tries = 0;
    refused.engine.startChild = (arn, name, input) => {
      if (arn !== machineArn('terminate-fleet')) return start(arn, name, input);
      tries += 1;
      throw named('StepFunctions.ExecutionLimitExceededException');
    };
    expect(await refused.run('provision-fleet')).toMatchObject({
      status: 'SUCCEEDED',
      output: { ...EXECUTION, status: 'RollingBack', removal: rollback },
    });
    expect(tries).toBe(6);
    expect(refused.payloadsOf('record-history')).toEqual([{ fleetId: FLEET_ID }]);
  });

  it('provision-fleet starts the removal even if an error has interrupted its execution', async () => {
    const broken = world(rollback, {
      assign: () => {
        throw named('Lambda.ServiceException');
      },
    });
    expect(await broken.run('provision-fleet')).toMatchObject({ error: 'ProvisioningInterrupted' });
    expect(broken.executionsOf('terminate-fleet')).toHaveLength(1);
  });
});
