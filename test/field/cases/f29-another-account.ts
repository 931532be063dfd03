import assert from 'node:assert/strict';
import { Problem } from '../../../functions/entrypoints/api/problem.ts';
import type { FieldCase } from '../harness/case.ts';
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

/** Through the API, as a user rotates. */
async function refused(at: AtDriver): Promise<void> {
  const { stage, user, site, cloud, ground } = at;
  const fleet = await running(at);
  // A refusal at once is as good as one by the verification.
  await user.rotate('cloud', cloud.other).catch((error: unknown) => {
    if (!(error instanceof Problem)) throw error;
  });
  await ground.sleep(HOUR_MS);
  const { rotation, status } = await user.connection('cloud');
  assert.equal(status, 'Ready', 'the connection goes on with its own credential');
  assert.notEqual(rotation?.status, 'Verifying', JSON.stringify(rotation));
  if (rotation) assert.ok(rotation.failure, 'the reason is told');
  assert.equal((await stage.read(fleet.id)).counts.Running, SIZE, 'all machines are seen');
  await user.rotate('cloud', site.request.credential);
  await ground.sleep(2 * HOUR_MS);
  assert.equal((await stage.read(fleet.id)).counts.Running, SIZE);
  assert.equal(cloud.standing().length, SIZE);
  assert.equal(cloud.removals(), 0, 'nothing is ended');
  await stage.remove(fleet.id);
  await stage.until(fleet.id, ({ status: now }) => now === 'Terminated');
  assert.equal(cloud.standing().length, 0);
}

/** Was: all machines Vanished; after rotating back, the sweep ended them 30 minutes later. */
export const f29: FieldCase[] = atEveryDriver({
  id: 'F29',
  title: 'a rotation to a credential of another account is refused while anything of the connection lives',
  play: refused,
});
