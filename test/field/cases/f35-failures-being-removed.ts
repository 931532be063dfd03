import assert from 'node:assert/strict';
import { failedOf } from '../../../cli/shell/show.ts';
import { assertIs, assertMet, type FieldCase } from '../harness/case.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import { OpenStackWorld } from '../worlds/openstack/world.ts';

const FAULT = 'No valid host was found. There are not enough hosts available.';

/** All three servers of a fleet end in ERROR, and Nova refuses for some minutes to delete them. */
async function play(): Promise<void> {
  await inField({ worlds: () => ({ openstack: new OpenStackWorld() }) }, async (field) => {
    const { stage, user, worlds, ground } = field;
    const { openstack } = worlds;
    const site = SITES.openstack;
    await user.makeNamespace();
    await user.connect('cloud', site);
    const message = 'Instance is locked';
    const met = openstack.script.trouble({
      call: 'DELETE nova /servers/*',
      answer: () => Response.json({ conflictingRequest: { code: 409, message } }, { status: 409 }),
    });
    const fleet = await stage.create(user.order('web', 'cloud', site, 3));
    await stage.until(fleet.id, ({ counts }) => counts.Creating === 3);
    await ground.sleep(2_000);
    for (const server of openstack.standing(ground.now())) server.stuck = { status: 'ERROR', fault: FAULT };
    const settled = await stage.until(fleet.id, ({ status }) => !['Preparing', 'Creating'].includes(status));
    assertIs('status of the fleet', settled.status, 'Failed');
    const [failure] = settled.failures;
    assertIs('failures', [settled.failures.length, failure?.count], [1, 3]);
    assert.ok(
      failure?.example.includes(FAULT),
      `the failure does not show Nova's words: ${failure?.example}`,
    );
    assertIs('instances that are being removed', settled.counts.Terminating, 3);
    assertIs('failed instances that the command line shows', failedOf(settled), 3);
    await ground.sleep(30_000);
    assertIs('failures while the removal is stuck', (await stage.read(fleet.id)).failures, settled.failures);
    met.end();
    const ended = await stage.until(fleet.id, ({ counts }) => counts.Failed === 3);
    assertIs('failures after the removal', ended.failures, settled.failures);
    assertMet('refused removals', met);
  });
}

/** Before the fix, the fleet showed no failure until the servers were gone. */
export const f35: FieldCase[] = [
  {
    id: 'F35',
    title: 'instances that have failed count as failures, with their reason, while their servers are removed',
    play,
  },
];
