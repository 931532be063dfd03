import assert from 'node:assert/strict';
import { Problem } from '../../../functions/entrypoints/api/problem.ts';
import { assertIs, type FieldCase } from '../harness/case.ts';
import { type AtDriver, atEveryDriver } from '../harness/every-driver.ts';

const HOUR_MS = 3_600_000;
const SIZE = 3;

export async function running({ stage, user, site }: AtDriver) {
  await user.makeNamespace();
  await user.connect('cloud', site);
  const fleet = await stage.create(user.order('web', 'cloud', site, SIZE));
  await stage.until(fleet.id, ({ status }) => status === 'Running');
  return fleet;
}

/** Requests a rotation through the API, as a user does, and expects that it is refused. */
async function refused(at: AtDriver): Promise<void> {
  const { stage, user, site, cloud, ground } = at;
  const fleet = await running(at);
  // The API may refuse the request immediately, or the verification may refuse the credential later.
  await user.rotate('cloud', cloud.other).catch((error: unknown) => {
    if (!(error instanceof Problem)) throw error;
  });
  await ground.sleep(HOUR_MS);
  const { rotation, status } = await user.connection('cloud');
  assertIs('status of the connection after the refused rotation', status, 'Ready');
  assert.notEqual(rotation?.status, 'Verifying', JSON.stringify(rotation));
  if (rotation) assert.ok(rotation.failure, 'the refused rotation has no failure');
  assertIs('running instances after the refused rotation', (await stage.read(fleet.id)).counts.Running, SIZE);
  await user.rotate('cloud', site.request.credential);
  await ground.sleep(2 * HOUR_MS);
  assert.equal((await stage.read(fleet.id)).counts.Running, SIZE);
  assert.equal(cloud.standing().length, SIZE);
  assertIs('removals before the fleet was deleted', cloud.removals(), 0);
  await stage.remove(fleet.id);
  await stage.until(fleet.id, ({ status: now }) => now === 'Terminated');
  assert.equal(cloud.standing().length, 0);
}

/**
 * Before the fix, all machines were marked Vanished. 30 minutes after the connection was rotated back, the
 * sweep removed the machines.
 */
export const f29: FieldCase[] = atEveryDriver({
  id: 'F29',
  title: 'a rotation to a credential of another account is refused while the connection has machines',
  play: refused,
});
