import assert from 'node:assert/strict';
import { fleetsText, fleetText } from '../../../cli/shell/show.ts';
import { assertIs, type FieldCase } from '../harness/case.ts';
import { allWorlds } from '../harness/every-driver.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';

/** OpenStack reports no prices. */
async function play(): Promise<void> {
  await inField({ worlds: allWorlds }, async ({ stage, user, ground }) => {
    await user.makeNamespace();
    await user.connect('cloud', SITES.openstack);
    await user.connect('priced', SITES.sim);
    const fleet = await stage.create(user.order('web', 'cloud', SITES.openstack, 2));
    const running = await stage.until(fleet.id, ({ status }) => status === 'Running');
    assertIs('instances without a price', [running.unpricedInstances, running.uncostedInstances], [2, 2]);
    await ground.sleep(60_000);
    const now = await stage.read(fleet.id);
    for (const text of [fleetText(now), fleetsText([now])]) {
      assert.match(text, /not known/);
      assert.doesNotMatch(text, /\$0\.0|\b0\.00\b/);
    }
    const both = user.order('both', 'cloud', SITES.openstack, 1);
    const priced = user.order('priced', 'priced', SITES.sim, 1).nodeGroups;
    both.nodeGroups.push(...priced.map((group) => ({ ...group, name: 'priced' })));
    const mixed = await stage.create(both);
    const sum = await stage.until(mixed.id, ({ status }) => status === 'Running');
    assert.ok(sum.usdPerHour > 0, 'the sum leaves out the known price');
    assertIs('instances that the sum leaves out', sum.unpricedInstances, 1);
    assert.match(fleetText(sum), /without 1 instance of unknown price/);
    await stage.remove(fleet.id);
    const gone = await stage.until(fleet.id, ({ status }) => status === 'Terminated');
    assertIs(
      'instances without a price at the end',
      [gone.unpricedInstances, gone.uncostedInstances],
      [0, 2],
    );
  });
}

export const f38: FieldCase[] = [
  {
    id: 'F38',
    title: 'a price that is not known is shown as not known, and a sum says what it leaves out',
    play,
  },
];
