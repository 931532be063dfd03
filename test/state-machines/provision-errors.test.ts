import { describe, expect, it } from 'vitest';
import { assignmentOf, EXECUTION, FLEET_ID, locationNames, type Part } from './assignment-builder.ts';
import { allGood, named, World } from './world.ts';

const parts = (size: number): Part[] => [
  { cloud: 'ncp', connection: 'production-ncp', locations: locationNames('ncp', 1), size },
];

const settled = { status: 'SUCCEEDED', output: { ...EXECUTION, status: 'Running' } };

describe('provision-fleet with errors of AWS services', () => {
  it('a launch message that the queue refuses is sent again', async () => {
    const world = new World(assignmentOf(parts(1)), (message) => {
      if (message.kind === 'prepare-networks') world.sendErrors.push('SQS.SdkClientException', 'SQS.Other');
      return allGood(message);
    });
    expect(await world.run('provision-fleet')).toEqual(settled);
    expect(world.messages('launch')).toHaveLength(1);
    const [child] = world.executionsOf('provision-location');
    expect(child?.history.byType.get('TaskSubmitFailed')).toBe(2);
  });

  it('if Assign fails, the execution runs Settle and then fails', async () => {
    const world = new World(assignmentOf(parts(1)), allGood, {
      assign: () => {
        throw named('Lambda.ServiceException');
      },
    });
    const outcome = await world.run('provision-fleet');
    expect(outcome).toMatchObject({ status: 'FAILED', error: 'ProvisioningInterrupted' });
    expect(world.payloadsOf('assign')).toHaveLength(9);
    const settle = { ...EXECUTION, interruptedBy: 'Lambda.ServiceException' };
    expect(world.payloadsOf('settle')).toEqual([settle]);
    expect(world.payloadsOf('record-history')).toEqual([{ fleetId: FLEET_ID }]);
    expect(world.sent).toEqual([]);
  });

  it('if one child execution fails, the other child executions run, and the parent runs Settle', async () => {
    const assignment = assignmentOf(parts(2_000));
    const world = new World(assignment);
    const first = world.engine.startChild.bind(world.engine);
    world.engine.startChild = (arn, name, input) =>
      first(arn, name, name.endsWith('-0') ? { fleetId: FLEET_ID } : input);
    const outcome = await world.run('provision-fleet');
    expect(outcome).toMatchObject({ status: 'FAILED', error: 'ProvisioningInterrupted' });
    expect(world.payloadsOf('settle')).toEqual([{ ...EXECUTION, interruptedBy: 'States.TaskFailed' }]);
    expect(world.messages('launch').map(({ index }) => index)).toContain(1_999);
  });

  it('a failed Settle is retried, and the execution fails if Settle never succeeds', async () => {
    const world = new World(assignmentOf(parts(1)), allGood, {
      settle: () => {
        throw named('TypeError');
      },
    });
    expect(await world.run('provision-fleet')).toMatchObject({ status: 'FAILED', error: 'TypeError' });
    expect(world.payloadsOf('settle')).toHaveLength(5);
  });

  it.each([
    ['that still runs', 5_000],
    ['that has ended', 100],
  ])(
    'a child execution %s is not started a second time if the answer to its start was lost',
    async (_, afterMs) => {
      const success = { outcome: 'Running' };
      const world = new World(assignmentOf(parts(3)), (message) =>
        message.kind === 'launch' ? { afterMs, success } : allGood(message),
      );
      const start = world.engine.startChild.bind(world.engine);
      let lost = false;
      world.engine.startChild = (arn, name, input) => {
        const child = start(arn, name, input);
        if (lost) return child;
        lost = true;
        throw named('StepFunctions.SdkClientException');
      };
      expect(await world.run('provision-fleet')).toEqual(settled);
      expect(lost).toBe(true);
      expect(world.executionsOf('provision-location')).toHaveLength(1);
      expect(world.messages('launch')).toHaveLength(3);
    },
  );
});
