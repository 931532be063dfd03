import assert from 'node:assert/strict';
import { Problem } from '../../../functions/entrypoints/api/problem.ts';
import type { DriverName } from '../../../functions/model/connection.ts';
import { behind } from '../harness/behind.ts';
import type { FieldCase } from '../harness/case.ts';
import { allWorlds } from '../harness/every-driver.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';

const SIZE = 3;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** Several grace periods of half an hour, and a sweep each 15 minutes. */
const WATCHED_MS = 2 * HOUR_MS;

function kind(driver: DriverName): FieldCase {
  return {
    id: `F31-${driver}`,
    title: `a second deployment with an id that is in use at an account does not start there, and neither ends what the other made (driver ${driver})`,
    play: () =>
      inField({ worlds: allWorlds, deployments: 2 }, async (field) => {
        const { stage, user, ground, others } = field;
        const [second] = others;
        if (!second) throw new Error('one deployment');
        const cloud = behind(driver, field);
        const site = SITES[driver];
        await user.makeNamespace();
        await user.connect('cloud', site);
        const fleet = await stage.create(user.order('web', 'cloud', site, SIZE));
        await stage.until(fleet.id, ({ status }) => status === 'Running');
        await ground.sleep(HOUR_MS);

        await second.user.makeNamespace();
        await second.user.makeConnection('cloud', site);
        await ground.sleep(10 * MINUTE_MS);
        const refused = await second.user.connection('cloud');
        assert.notEqual(refused.status, 'Ready', 'the second deployment does not start');
        assert.ok(refused.failure, 'and says why');
        await assert.rejects(
          second.stage.create(second.user.order('other', 'cloud', site, 2)),
          Problem,
          'no fleet is accepted there',
        );
        await ground.sleep(WATCHED_MS);
        assert.equal(cloud.removals(), 0, 'no removal was asked for');
        assert.equal(cloud.standing().length, SIZE, 'all machines stand');
        assert.equal((await stage.read(fleet.id)).counts.Running, SIZE);
        assert.equal((await user.connection('cloud')).status, 'Ready', 'the first one goes on');

        // What the first one makes and removes is its own business still.
        await stage.remove(fleet.id);
        await stage.until(fleet.id, ({ status }) => status === 'Terminated');
        assert.equal(cloud.standing().length, 0);
      }),
  };
}

/** CB-Spider keeps no mark that both could see: what a sweep cannot prove is all that holds them off each other. */
const unmarked: FieldCase = {
  id: 'F31-cb-spider',
  title:
    'two deployments with one id at an account that keeps no mark: neither ends what the other made (driver cb-spider)',
  play: () =>
    inField({ worlds: allWorlds, deployments: 2 }, async (field) => {
      const { ground, others } = field;
      const cloud = behind('cb-spider', field);
      const site = SITES['cb-spider'];
      const both = [field, ...others];
      const fleets = [];
      for (const { user, stage } of both) {
        await user.makeNamespace();
        await user.connect('cloud', site);
        const fleet = await stage.create(user.order('web', 'cloud', site, SIZE));
        await stage.until(fleet.id, ({ status }) => status === 'Running');
        fleets.push(fleet);
      }
      await ground.sleep(WATCHED_MS);
      assert.equal(cloud.removals(), 0, 'no removal was asked for');
      assert.equal(cloud.standing().length, both.length * SIZE, 'all machines stand');
      for (const [at, { stage }] of both.entries()) {
        const fleet = await stage.read(fleets[at]?.id ?? '');
        assert.equal(fleet.counts.Running, SIZE);
      }
    }),
};

/** Was: each ended what the other made. */
export const f31: FieldCase[] = [...(['sim', 'aws', 'openstack'] as const).map(kind), unmarked];
