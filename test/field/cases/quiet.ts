import assert from 'node:assert/strict';
import type { DriverName } from '../../../functions/model/connection.ts';
import type { FieldCase } from '../harness/case.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import { Ec2World } from '../worlds/ec2/world.ts';
import { OpenStackWorld } from '../worlds/openstack/world.ts';
import { SpiderWorld } from '../worlds/spider/world.ts';

const DRIVERS = ['sim', 'aws', 'openstack', 'cb-spider'] as const;

/** Without any trouble: what the worlds are measured by. */
function quiet(driver: DriverName): FieldCase {
  return {
    id: `quiet-${driver}`,
    title: `a fleet comes up and goes at a cloud of driver ${driver} where nothing goes wrong`,
    play: () =>
      inField(
        {
          worlds: (ground) => ({
            aws: new Ec2World(),
            openstack: new OpenStackWorld(),
            'cb-spider': new SpiderWorld(ground),
          }),
        },
        async ({ stage, user, worlds, ground, lab }) => {
          const site = SITES[driver];
          await user.makeNamespace();
          await user.connect('cloud', site);
          const fleet = await stage.create(user.order('web', 'cloud', site, 5));
          const up = await stage.until(
            fleet.id,
            ({ status }) => status !== 'Preparing' && status !== 'Creating',
          );
          assert.equal(up.status, 'Running', JSON.stringify(up.failures));
          const standing = () =>
            ({
              sim: () => stage.standing().length,
              aws: () => worlds.aws.standing(ground.now()).length,
              openstack: () => worlds.openstack.standing(ground.now()).length,
              'cb-spider': () => worlds['cb-spider'].standing('account-1').length,
            })[driver]();
          assert.equal(standing(), 5);
          await stage.remove(fleet.id);
          await stage.until(fleet.id, ({ status }) => status === 'Terminated');
          assert.equal(standing(), 0);
          assert.deepEqual(lab.queue.deadLetters, []);
        },
      ),
  };
}

export const quietCases: FieldCase[] = DRIVERS.map(quiet);
