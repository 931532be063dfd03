import assert from 'node:assert/strict';
import { assertIs, type FieldCase } from '../harness/case.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import { OpenStackWorld } from '../worlds/openstack/world.ts';

const MINUTE_MS = 60_000;
const FAULT = 'No valid host was found. There are not enough hosts available.';
/** Matches reads of a single server. */
const READ = 'GET nova /servers/*';

/** Nova cannot place the servers. Lists show ERROR without a fault. */
async function beforeItRuns(): Promise<void> {
  const worlds = () => ({ openstack: new OpenStackWorld({ bootMs: MINUTE_MS }) });
  await inField({ worlds }, async ({ stage, user, worlds: { openstack }, ground }) => {
    await user.makeNamespace();
    await user.connect('cloud', SITES.openstack);
    const fleet = await stage.create(user.order('web', 'cloud', SITES.openstack, 3));
    await stage.until(fleet.id, () => openstack.standing(ground.now()).length === 3);
    for (const server of openstack.standing(ground.now()))
      server.stuck = { status: 'ERROR', fault: FAULT, isListed: false };
    await stage.until(fleet.id, ({ counts }) => counts.Failed === 3);
    for (const { failure } of await user.instances(fleet))
      assertIs('failure of the instance', failure, { code: 'CloudFailed', message: FAULT });
    const reads = openstack.script.calls(READ).length;
    // One read of each server gives the fault. Two more prove that the server is gone.
    assert.ok(reads <= 9, `the worker read 3 servers ${reads} times`);
  });
}

/** A running server gets the status ERROR. Lists show ERROR without a fault. */
async function afterItRan(): Promise<void> {
  const worlds = () => ({ openstack: new OpenStackWorld() });
  await inField({ worlds }, async ({ stage, user, worlds: { openstack }, ground }) => {
    await user.makeNamespace();
    await user.connect('cloud', SITES.openstack);
    const fleet = await stage.create(user.order('web', 'cloud', SITES.openstack, 2));
    await stage.until(fleet.id, ({ status }) => status === 'Running');
    const [server] = openstack.standing(ground.now());
    assert.ok(server);
    server.stuck = { status: 'ERROR', fault: FAULT, isListed: false };
    await stage.until(fleet.id, ({ counts }) => counts.Undefined === 1);
    await ground.sleep(10 * MINUTE_MS);
    const hit = (await user.instances(fleet)).find(({ backendId }) => backendId === server.id);
    assertIs('trouble of the instance', hit?.trouble, { cloudStatus: 'ERROR', message: FAULT });
    const reads = openstack.script.calls(READ).length;
    assert.ok(reads <= 2, `the worker read the server ${reads} times in ten minutes`);
  });
}

/** Before the fix, the failure was “the cloud reports that the machine failed”. */
export const f34: FieldCase[] = [
  {
    id: 'F34',
    title: 'an instance fails with the fault that Nova tells only when the server is read by id',
    play: beforeItRuns,
  },
  {
    id: 'F34-ran',
    title: 'an instance in Undefined shows the fault that Nova tells only when the server is read by id',
    play: afterItRan,
  },
];
