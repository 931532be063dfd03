import assert from 'node:assert/strict';
import { calmScenario } from '../../chaos/scenario/calm.ts';
import { backUpTables } from '../harness/back-up-tables.ts';
import { assertIs, type FieldCase } from '../harness/case.ts';
import { atEveryDriver } from '../harness/every-driver.ts';

const NEWER = 50;
const OLDER = 3;
const HOUR_MS = 3_600_000;
/**
 * Age of the newer machines at the restore in ms. It is less at the scripted clouds, because playing a long
 * time is slow there.
 */
const AGE_MS = { sim: 24 * HOUR_MS, aws: HOUR_MS, openstack: HOUR_MS, 'cb-spider': HOUR_MS };
/** Time after the restore in ms: several grace periods of half an hour, with a sweep every 15 minutes. */
const WATCHED_MS = 1.25 * HOUR_MS;

const { clouds } = calmScenario({}, { slots: { locations: 2, instancesPerLocation: 60 } });

/** Before the fix, sweeps removed all 50 newer machines after 30 minutes. */
export const f30: FieldCase[] = atEveryDriver({
  id: 'F30',
  title: `sweeps report ${NEWER} machines that are newer than the restored tables, and remove none`,
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
    assertIs('removals while the sweeps were on hold', cloud.removals(restoredAtMs), 0);
    assertIs('machines at the cloud after the restore', cloud.standing().length, OLDER + NEWER);
    assertIs('running instances of the older fleet', (await stage.read(older.id)).counts.Running, OLDER);
    const reported = (await user.orphans()).filter(({ kind, state }) => {
      return kind === 'instance' && (state === 'Reported' || state === 'Quarantined');
    });
    assertIs('number of findings of machines that no record claims', reported.length, NEWER);
    const held = (await user.sweepHolds()).filter(({ because }) => because === 'restored');
    assert.ok(held.length > 0, 'no sweep is on hold after the restore');
    await user.continueSweeps('cloud');
    await ground.sleep(HOUR_MS);
    assertIs('removals after the operator continued the sweeps', cloud.removals(restoredAtMs), 0);
    assertIs('holds after the operator continued the sweeps', await user.sweepHolds(), []);

    // A new fleet runs, and its removal succeeds.
    const next = await stage.create(user.order('next', 'cloud', site, 2));
    await stage.until(next.id, ({ status }) => status === 'Running');
    await stage.remove(next.id);
    await stage.until(next.id, ({ status }) => status === 'Terminated');
    assert.equal(cloud.standing().length, OLDER + NEWER);
  },
});
