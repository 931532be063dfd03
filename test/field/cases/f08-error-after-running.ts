import assert from 'node:assert/strict';
import type { FleetRequest } from '../../../functions/model/fleet-request.ts';
import { assertIs, type FieldCase } from '../harness/case.ts';
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
      // The launches of another fleet cause polls of the site.
      const other = await stage.create(user.order('other', 'cloud', site, 2));
      await stage.until(other.id, ({ status }) => status === 'Running' || status === 'Failed');
      await ground.sleep(5 * MINUTE_MS);

      const during = (await user.instances(fleet)).find(({ backendId }) => backendId === hit.id);
      assertIs('status of the instance whose server is in ERROR', during?.status, 'Undefined');
      const shown = JSON.stringify(during);
      assert.ok(shown.includes('ERROR'), `the instance does not show the cloud's status ERROR: ${shown}`);
      assert.ok(shown.includes(FAULT), `the instance does not show the cloud's message: ${shown}`);
      const now = await stage.read(fleet.id);
      assert.ok(!['RollingBack', 'RolledBack', 'Failed'].includes(now.status), `the fleet is ${now.status}`);
      assertIs(
        'status of the other fleet, which needs both slots',
        (await stage.read(other.id)).status,
        'Running',
      );

      await ground.sleep(errorAtMs + 10 * MINUTE_MS - ground.now());
      delete hit.stuck;
      await stage.until(fleet.id, ({ counts }) => counts.Running === 2);
      assert.ok(
        ground.now() < errorAtMs + 30 * MINUTE_MS,
        'the instance was not Running within 20 minutes after its server was ACTIVE again',
      );
      assertIs('servers that were deleted', openstack.script.calls(/^DELETE nova \/servers/), []);
      assert.equal((await stage.read(fleet.id)).status, 'Running');
    });
}

/** Deletes the fleet of a server in ERROR. The worker must remove the server. */
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
  `an instance is Undefined while its server is in ERROR, and Running when the server is ACTIVE (policy ${policy})`;

/** Before the fix, the first poll deleted the server. */
export const f08: FieldCase[] = [
  { id: 'F8', title: title('continue'), play: play('continue') },
  { id: 'F8-rollback', title: title('rollback'), play: play('rollback') },
  { id: 'F8-refine', title: title('refine'), play: play('refine') },
  {
    id: 'F8-deleted',
    title: 'a server that fails with ERROR after it ran is noticed even if no other fleet causes polls',
    play: deleted,
  },
];
