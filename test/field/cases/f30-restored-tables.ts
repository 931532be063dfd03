import assert from 'node:assert/strict';
import { calmScenario } from '../../chaos/scenario/calm.ts';
import { backUpTables } from '../harness/back-up-tables.ts';
import type { FieldCase } from '../harness/case.ts';
import { atEveryDriver } from '../harness/every-driver.ts';

const NEWER = 50;
const OLDER = 3;
const HOUR_MS = 3_600_000;
/** A poll a minute at each cloud is what a day takes its time by. */
const AGE_MS = { sim: 24 * HOUR_MS, aws: HOUR_MS, openstack: HOUR_MS, 'cb-spider': HOUR_MS };
/** Several grace periods of half an hour, and a sweep each 15 minutes. */
const WATCHED_MS = 1.25 * HOUR_MS;

const { clouds } = calmScenario({}, { slots: { locations: 2, instancesPerLocation: 60 } });

/** Was: all 50 were ended after 30 minutes. */
export const f30: FieldCase[] = atEveryDriver({
  id: 'F30',
  title: `tables are restored to an earlier state, and ${NEWER} machines are newer: sweeps report them, and end nothing`,
  options: { clouds },
  async play({ lab, stage, user, site, cloud, driver, ground }) {
    await user.makeNamespace();
    await user.connect('cloud', site, { limits: { concurrentInstancesPerLocation: 20 } });
    const older = await stage.create(user.order('older', 'cloud', site, OLDER));
    await stage.until(older.id, ({ status }) => status === 'Running');
    const restore = backUpTables(lab);
    await ground.sleep(HOUR_MS / 4);
    const newer = await stage.create(user.order('newer', 'cloud', site, NEWER));
    await stage.until(newer.id, ({ status }) => status === 'Running');
    await ground.sleep(AGE_MS[driver]);
    assert.equal(cloud.standing().length, OLDER + NEWER);

    restore();
    lab.killWorkers('a new start');
    const restoredAtMs = ground.now();
    await ground.sleep(WATCHED_MS);
    assert.equal(cloud.removals(restoredAtMs), 0, 'no removal was asked for');
    assert.equal(cloud.standing().length, OLDER + NEWER, 'all machines stand');
    assert.equal((await stage.read(older.id)).counts.Running, OLDER, 'the older fleet runs');
    const reported = (await user.orphans()).filter(({ kind, state }) => {
      return kind === 'instance' && (state === 'Reported' || state === 'Quarantined');
    });
    assert.equal(reported.length, NEWER, 'what no record claims is reported');
    const held = (await user.sweepHolds()).filter(({ because }) => because === 'restored');
    assert.ok(held.length > 0, 'sweeps are held until an operator says to go on');
    await user.continueSweeps('cloud');
    await ground.sleep(HOUR_MS);
    assert.equal(cloud.removals(restoredAtMs), 0, 'without a record there is no proof, and no removal');
    assert.deepEqual(await user.sweepHolds(), [], 'an operator has them go on');

    // The fleets go on: what is asked for from now on comes up and goes.
    const next = await stage.create(user.order('next', 'cloud', site, 2));
    await stage.until(next.id, ({ status }) => status === 'Running');
    await stage.remove(next.id);
    await stage.until(next.id, ({ status }) => status === 'Terminated');
    assert.equal(cloud.standing().length, OLDER + NEWER);
  },
});
