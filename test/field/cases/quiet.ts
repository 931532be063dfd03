import assert from 'node:assert/strict';
import { atEveryDriver } from '../harness/every-driver.ts';

/** Launches and removes a fleet without any fault, to show that the scripted and simulated clouds work. */
export const quiet = atEveryDriver({
  id: 'quiet',
  title: 'a fleet runs and is removed if nothing goes wrong',
  async play({ stage, user, site, cloud, lab }) {
    await user.makeNamespace();
    await user.connect('cloud', site);
    const fleet = await stage.create(user.order('web', 'cloud', site, 5));
    const up = await stage.until(fleet.id, ({ status }) => status !== 'Preparing' && status !== 'Creating');
    assert.equal(up.status, 'Running', JSON.stringify(up.failures));
    assert.equal(cloud.standing().length, 5);
    await stage.remove(fleet.id);
    await stage.until(fleet.id, ({ status }) => status === 'Terminated');
    assert.equal(cloud.standing().length, 0);
    for (const queue of lab.queues.values()) assert.deepEqual(queue.deadLetters, []);
  },
});
