import assert from 'node:assert/strict';
import { assertIs, type FieldCase } from '../harness/case.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import { Ec2World } from '../worlds/ec2/world.ts';

const REASON = {
  code: 'Client.InvalidKMSKey.InvalidState',
  message: 'Client.InvalidKMSKey.InvalidState: The KMS key provided is in an incorrect state',
};
const LOST = {
  code: 'Server.InternalError',
  message: 'Server.InternalError: Internal error on launch',
};
const INTERRUPTED = {
  code: 'Server.SpotInstanceTermination',
  message: 'Server.SpotInstanceTermination: Spot instance termination',
};

/** EC2 ends a machine before it runs. Only the state `shutting-down` has the reason. */
async function beforeItRuns(): Promise<void> {
  const worlds = () => ({ aws: new Ec2World({ bootMs: 60_000 }) });
  await inField({ worlds }, async ({ stage, user, worlds: { aws }, ground }) => {
    await user.makeNamespace();
    await user.connect('cloud', SITES.aws);
    const fleet = await stage.create(user.order('web', 'cloud', SITES.aws, 1));
    await stage.until(fleet.id, () => aws.standing(ground.now()).length === 1);
    const [machine] = aws.standing(ground.now());
    assert.ok(machine);
    Object.assign(machine, { endsAtMs: ground.now() + 12_000, reason: REASON, forgetsReason: true });
    await stage.until(fleet.id, ({ counts }) => counts.Failed === 1);
    const [instance] = await user.instances(fleet);
    assertIs('failure of the instance', instance?.failure?.message, REASON.message);
    assertIs('status of the instance', instance?.status, 'Failed');
  });
}

/** EC2 ends a running machine. Only the state `shutting-down` has the reason. */
async function afterItRan(reason: typeof LOST, code: string): Promise<void> {
  await inField(
    { worlds: () => ({ aws: new Ec2World() }) },
    async ({ stage, user, worlds: { aws }, ground }) => {
      await user.makeNamespace();
      await user.connect('cloud', SITES.aws);
      const fleet = await stage.create(user.order('web', 'cloud', SITES.aws, 2));
      await stage.until(fleet.id, ({ status }) => status === 'Running');
      const [machine] = aws.standing(ground.now());
      assert.ok(machine);
      Object.assign(machine, { endsAtMs: ground.now() + 120_000, reason, forgetsReason: true });
      await stage.until(fleet.id, ({ counts }) => counts.Terminated === 1);
      const gone = (await user.instances(fleet)).find(({ status }) => status === 'Terminated');
      assertIs('machine of the instance', gone?.backendId, machine.id);
      assertIs('failure of the instance', gone?.failure, { code, message: reason.message });
    },
  );
}

/** Before the fix, the failure was “the cloud removed the machine before it ran”, or there was none. */
export const f15: FieldCase[] = [
  {
    id: 'F15',
    title: 'an instance fails with the reason that EC2 gives only while the machine is shutting down',
    play: beforeItRuns,
  },
  {
    id: 'F15-ran',
    title: 'an instance that ran keeps the reason that EC2 gives only while the machine is shutting down',
    play: () => afterItRan(LOST, 'Vanished'),
  },
  {
    id: 'F15-spot',
    title:
      'an instance whose spot machine EC2 takes back says so, although EC2 tells it only while the machine ends',
    play: () => afterItRan(INTERRUPTED, 'SpotInterrupted'),
  },
];
