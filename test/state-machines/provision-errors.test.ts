import { describe, expect, it } from 'vitest';
import { ProvisioningInterrupted } from '../../functions/features/fleets/end-provisioning.ts';
import { assignmentOf, EXECUTION, locationNames, type Part } from './assignment-builder.ts';
import { allGood, named, World } from './world.ts';

const parts = (size: number): Part[] => [
  { cloud: 'ncp', connection: 'production-ncp', locations: locationNames('ncp', 1), size },
];

const settled = { status: 'SUCCEEDED', output: { ...EXECUTION, status: 'Running' } };
const interruptedBy = (error: string) => ({ ...EXECUTION, interruptedBy: error });

/** Fails as the function of the state Settle does after an interruption. */
const interrupted = () => {
  throw new ProvisioningInterrupted('an error');
};

describe('provision-fleet with errors of AWS services', () => {
  it('a message that the queue refuses is sent again', async () => {
    const world = new World(assignmentOf(parts(100)));
    world.sendErrors.push('SQS.SdkClientException', 'SQS.Other');
    expect(await world.run('provision-fleet')).toEqual(settled);
    expect(world.messages('launch')).toHaveLength(3);
    const [execution] = world.executionsOf('provision-fleet');
    expect(execution?.history.byType.get('TaskSubmitFailed')).toBe(2);
  });

  it('if Assign fails, the execution runs Settle once and then fails', async () => {
    const world = new World(assignmentOf(parts(1)), allGood, {
      assign: () => {
        throw named('Lambda.ServiceException');
      },
      settle: interrupted,
    });
    const outcome = await world.run('provision-fleet');
    expect(outcome).toMatchObject({ status: 'FAILED', error: 'ProvisioningInterrupted' });
    expect(world.payloadsOf('assign')).toHaveLength(9);
    expect(world.payloadsOf('settle')).toEqual([interruptedBy('Lambda.ServiceException')]);
    expect(world.sent).toEqual([]);
  });

  it('if the state Await of a cloud fails at each try, the execution runs Settle once and then fails', async () => {
    const world = new World(assignmentOf(parts(1)), () => ({ afterMs: 10, failure: 'Sandbox.Timedout' }), {
      settle: interrupted,
    });
    expect(await world.run('provision-fleet')).toMatchObject({ error: 'ProvisioningInterrupted' });
    expect(world.messages('launch')).toHaveLength(51);
    expect(world.payloadsOf('settle')).toEqual([interruptedBy('Sandbox.Timedout')]);
  });

  it('an error of the workflow at one location does not stop the others, and the cloud waits for its launches', async () => {
    const assignment = assignmentOf([
      { cloud: 'ncp', connection: 'production-ncp', locations: locationNames('ncp', 2), size: 4 },
    ]);
    const clouds = assignment.clouds.map((cloud) => ({
      ...cloud,
      sites: cloud.sites.map((site, at) => (at === 0 ? { ...site, count: 'two' } : site)),
    }));
    const world = new World({ ...assignment, clouds });
    expect(await world.run('provision-fleet')).toEqual(settled);
    expect(world.messages('launch')).toHaveLength(1);
    expect(world.messages('await-launches')).toHaveLength(1);
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

  it('the output of the execution has the removal that Settle has started', async () => {
    const removal = { fleetId: EXECUTION.fleetId, execution: 2, scope: 'fleet' };
    const world = new World(assignmentOf(parts(1)), allGood, {
      settle: () => ({ status: 'RollingBack', removal }),
    });
    expect(await world.run('provision-fleet')).toEqual({
      status: 'SUCCEEDED',
      output: { ...EXECUTION, status: 'RollingBack', removal },
    });
  });
});
