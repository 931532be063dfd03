import assert from 'node:assert/strict';
import { Problem } from '../../../functions/entrypoints/api/problem.ts';
import type { DriverName } from '../../../functions/model/connection.ts';
import { behind } from '../harness/behind.ts';
import { assertIs, type FieldCase } from '../harness/case.ts';
import { allWorlds } from '../harness/every-driver.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';

const SIZE = 3;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/**
 * Time in ms for which the deployments run: several grace periods of half an hour, with a sweep every 15
 * minutes.
 */
const WATCHED_MS = 2 * HOUR_MS;

function kind(driver: DriverName): FieldCase {
  return {
    id: `F31-${driver}`,
    title: `a second deployment with the same id is refused, and neither deployment removes the other's machines (driver ${driver})`,
    play: () =>
      inField({ worlds: allWorlds, deployments: 2 }, async (field) => {
        const { stage, user, ground, others } = field;
        const [second] = others;
        if (!second) throw new Error('the case has only one deployment');
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
        assert.notEqual(refused.status, 'Ready', 'the connection of the second deployment is Ready');
        assert.ok(refused.failure, 'the refused connection has no failure');
        await assert.rejects(
          second.stage.create(second.user.order('other', 'cloud', site, 2)),
          Problem,
          'the second deployment accepted a fleet, although its connection was refused',
        );
        await ground.sleep(WATCHED_MS);
        assertIs('removals', cloud.removals(), 0);
        assertIs('machines at the cloud', cloud.standing().length, SIZE);
        assert.equal((await stage.read(fleet.id)).counts.Running, SIZE);
        assertIs(
          'status of the connection of the first deployment',
          (await user.connection('cloud')).status,
          'Ready',
        );

        // The first deployment can still remove its fleet.
        await stage.remove(fleet.id);
        await stage.until(fleet.id, ({ status }) => status === 'Terminated');
        assert.equal(cloud.standing().length, 0);
      }),
  };
}

/**
 * At other clouds, a mark shows which deployment uses an account. CB-Spider cannot keep such a mark. A
 * sweep removes only machines that its deployment can prove to be its own.
 */
const unmarked: FieldCase = {
  id: 'F31-cb-spider',
  title:
    "two deployments with one id at an account without marks do not remove each other's machines (driver cb-spider)",
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
      assertIs('removals', cloud.removals(), 0);
      assertIs('machines at the cloud', cloud.standing().length, both.length * SIZE);
      for (const [at, { stage }] of both.entries()) {
        const fleet = await stage.read(fleets[at]?.id ?? '');
        assert.equal(fleet.counts.Running, SIZE);
      }
    }),
};

/** Before the fix, each deployment removed the machines of the other. */
export const f31: FieldCase[] = [...(['sim', 'aws', 'openstack'] as const).map(kind), unmarked];
