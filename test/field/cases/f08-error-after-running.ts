import assert from 'node:assert/strict';
import type { FleetRequest } from '../../../functions/model/fleet-request.ts';
import type { FieldCase } from '../harness/case.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import { OpenStackWorld } from '../worlds/openstack/world.ts';

const MINUTE_MS = 60_000;
const FAULT = 'Migration pre-check error: Unable to migrate instance: host compute-7 is not compatible';

function play(failurePolicy: FleetRequest['failurePolicy']): () => Promise<void> {
  return () =>
    inField({ worlds: () => ({ openstack: new OpenStackWorld() }) }, async (field) => {
      const { stage, user, worlds, ground } = field;
      const { openstack } = worlds;
      const site = SITES.openstack;
      await user.makeNamespace();
      await user.connect('cloud', site, { limits: { concurrentInstancesPerLocation: 2 } });
      const fleet = await stage.create(user.order('web', 'cloud', site, 2, { failurePolicy }));
      await stage.until(fleet.id, ({ status }) => status === 'Running');
      const [hit] = openstack.standing(ground.now());
      assert.ok(hit);
      hit.stuck = { status: 'ERROR', fault: FAULT };
      const errorAtMs = ground.now();
      // Another fleet that comes up there has the site polled.
      const other = await stage.create(user.order('other', 'cloud', site, 2));
      await stage.until(other.id, ({ status }) => status === 'Running' || status === 'Failed');
      await ground.sleep(5 * MINUTE_MS);

      const during = (await user.instances(fleet)).find(({ backendId }) => backendId === hit.id);
      assert.equal(during?.status, 'Undefined', 'the status of the machine that is in ERROR');
      const shown = JSON.stringify(during);
      assert.ok(shown.includes('ERROR'), `the cloud's word ERROR is shown: ${shown}`);
      assert.ok(shown.includes(FAULT), `the cloud's reason is shown: ${shown}`);
      const now = await stage.read(fleet.id);
      assert.ok(!['RollingBack', 'RolledBack', 'Failed'].includes(now.status), `the fleet is ${now.status}`);
      assert.equal((await stage.read(other.id)).status, 'Running', 'both slots were free for another fleet');

      await ground.sleep(errorAtMs + 10 * MINUTE_MS - ground.now());
      delete hit.stuck;
      await stage.until(fleet.id, ({ counts }) => counts.Running === 2);
      assert.ok(ground.now() < errorAtMs + 30 * MINUTE_MS, 'it is Running again within minutes');
      assert.deepEqual(openstack.script.calls(/^DELETE nova \/servers/), [], 'nothing is deleted');
      assert.equal((await stage.read(fleet.id)).status, 'Running');
    });
}

/** What is shown and left alone goes all the same when its fleet is to go. */
async function deleted(): Promise<void> {
  await inField({ worlds: () => ({ openstack: new OpenStackWorld() }) }, async (field) => {
    const { stage, user, worlds, ground } = field;
    const { openstack } = worlds;
    const site = SITES.openstack;
    await user.makeNamespace();
    await user.connect('cloud', site);
    const fleet = await stage.create(user.order('web', 'cloud', site, 2));
    await stage.until(fleet.id, ({ status }) => status === 'Running');
    const [hit] = openstack.standing(ground.now());
    assert.ok(hit);
    hit.stuck = { status: 'ERROR', fault: FAULT };
    await stage.until(fleet.id, ({ counts }) => counts.Undefined === 1);
    await stage.remove(fleet.id);
    await stage.until(fleet.id, ({ status }) => status === 'Terminated');
    assert.deepEqual(openstack.standing(ground.now()), []);
  });
}

const title = (policy: string) =>
  `a server that Nova has in ERROR after it ran is Undefined with Nova's words, and Running when it is ACTIVE again (policy ${policy})`;

/** Was: deleted at the first poll. */
export const f08: FieldCase[] = [
  { id: 'F8', title: title('continue'), play: play('continue') },
  { id: 'F8-rollback', title: title('rollback'), play: play('rollback') },
  { id: 'F8-refine', title: title('refine'), play: play('refine') },
  {
    id: 'F8-deleted',
    title:
      'a server that Nova has in ERROR after it ran is noticed without another fleet, and goes with its own',
    play: deleted,
  },
];
