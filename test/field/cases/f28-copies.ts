import assert from 'node:assert/strict';
import type { Fleet } from '../../../functions/model/fleet.ts';
import { assertIs, type FieldCase } from '../harness/case.ts';
import { type AtDriver, atEveryDriver } from '../harness/every-driver.ts';

const HOUR_MS = 3_600_000;
/** Time after the restore in ms: three grace periods of half an hour, with a sweep every 15 minutes. */
const WATCHED_MS = 1.5 * HOUR_MS;
/**
 * Age of the machine at its restore in ms. It is less at the scripted clouds, because playing a long time is
 * slow there.
 */
const AGE_MS = { sim: 24 * HOUR_MS, aws: 3 * HOUR_MS, openstack: 3 * HOUR_MS, 'cb-spider': 3 * HOUR_MS };

/** State of the original when its backup is restored. */
type Original = 'runs' | 'gone' | 'deleted';

async function play(at: AtDriver, original: Original): Promise<void> {
  const { stage, user, site, cloud, driver, ground } = at;
  await user.makeNamespace();
  await user.connect('cloud', site);
  const fleet = await stage.create(user.order('web', 'cloud', site, 2));
  await stage.until(fleet.id, ({ status }) => status === 'Running');
  const [first = ''] = cloud.standing();
  await ground.sleep(AGE_MS[driver]);
  const copy = await restored(at, fleet, first, original);
  const restoredAtMs = ground.now();
  await ground.sleep(WATCHED_MS);

  assert.ok(cloud.standing().includes(copy), `the copy ${copy} was removed`);
  assertIs('removals after the restore', cloud.removals(restoredAtMs), 0);
  const findings = (await user.orphans()).filter(({ reason }) => reason === 'copy');
  assertIs(`number of findings of copies among ${JSON.stringify(await user.orphans())}`, findings.length, 1);
  const [finding] = findings;
  assert.equal(finding?.kind, 'instance', JSON.stringify(finding));
  assert.equal(finding?.state, 'Reported', JSON.stringify(finding));
  assert.equal(finding?.fleetId, fleet.id, JSON.stringify(finding));
  const { counts } = await stage.read(fleet.id);
  assert.equal(counts.Running ?? 0, { runs: 2, gone: 1, deleted: 0 }[original], JSON.stringify(counts));
}

/**
 * Backs up the original, brings the original into the state of the case, and restores the backup.
 *
 * @returns the id of the copy
 */
async function restored(
  { stage, cloud, ground }: AtDriver,
  fleet: Fleet,
  first: string,
  original: Original,
): Promise<string> {
  const backup = cloud.backUp(first);
  if (original === 'gone') {
    cloud.end(first);
    await ground.sleep(HOUR_MS);
  }
  if (original === 'deleted') {
    await stage.remove(fleet.id);
    await stage.until(fleet.id, ({ status }) => status === 'Terminated');
    await ground.sleep(HOUR_MS);
  }
  return backup.restore();
}

const TITLES: Readonly<Record<Original, string>> = {
  runs: 'while the original runs',
  gone: 'after the original was ended at the cloud',
  deleted: 'after its fleet was deleted',
};

const kind = (original: Original): FieldCase[] =>
  atEveryDriver({
    id: original === 'runs' ? 'F28' : `F28-${original}`,
    title: `a machine restored from a backup with all tags ${TITLES[original]} is reported as a copy and not removed`,
    play: (at) => play(at, original),
  });

/** Before the fix, the sweep took the copy for a duplicate and removed it without a grace period. */
export const f28: FieldCase[] = [...kind('runs'), ...kind('gone'), ...kind('deleted')];
