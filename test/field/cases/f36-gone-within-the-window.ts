import assert from 'node:assert/strict';
import type { Fleet } from '../../../functions/model/fleet.ts';
import { assertIs, type FieldCase } from '../harness/case.ts';
import { type AtDriver, atEveryDriver } from '../harness/every-driver.ts';
import type { FieldOptions } from '../harness/field.ts';
import { Ec2World } from '../worlds/ec2/world.ts';
import { OpenStackWorld } from '../worlds/openstack/world.ts';
import { SpiderWorld } from '../worlds/spider/world.ts';

/**
 * Maximum time in ms from a request to delete a fleet until it has ended. The clouds need 4 seconds, and polls come
 * every 5 seconds. The consistency window is 30 seconds at EC2, and 60 seconds at Nova.
 */
const DELETED_MS = 25_000;
/** Maximum time in ms from the end of a machine that is being created until the instance has failed. */
const FAILED_MS = 25_000;
/** Time in ms of a boot in which the machine is deleted. */
const SLOW_BOOT_MS = 5 * 60_000;

const slowly: Partial<FieldOptions<AtDriver['worlds']>> = {
  worlds: (ground) => ({
    aws: new Ec2World({ bootMs: SLOW_BOOT_MS }),
    openstack: new OpenStackWorld({ bootMs: SLOW_BOOT_MS }),
    'cb-spider': new SpiderWorld(ground, { startMs: SLOW_BOOT_MS }),
  }),
};

/** @returns the time that passed until the fleet met the condition */
async function took(
  { stage, ground }: AtDriver,
  { id }: Fleet,
  holds: (fleet: Fleet) => boolean,
): Promise<number> {
  const sinceMs = ground.now();
  await stage.until(id, holds);
  return ground.now() - sinceMs;
}

async function deleted(at: AtDriver): Promise<void> {
  const { stage, user, site, cloud } = at;
  await user.makeNamespace();
  await user.connect('cloud', site);
  const fleet = await stage.create(user.order('web', 'cloud', site, 2));
  await stage.until(fleet.id, ({ status }) => status === 'Running');
  await stage.remove(fleet.id);
  const ms = await took(at, fleet, ({ status }) => status === 'Terminated');
  assert.deepEqual(cloud.standing(), []);
  assert.ok(ms <= DELETED_MS, `the fleet ended ${ms / 1_000} s after its deletion was requested`);
}

async function gone(at: AtDriver): Promise<void> {
  const { stage, user, site, cloud, ground, driver } = at;
  await user.makeNamespace();
  await user.connect('cloud', site);
  const fleet = await stage.create(user.order('web', 'cloud', site, 1));
  const made = async () => (await user.instances(fleet))[0]?.backendId;
  while ((await made()) === undefined) await ground.sleep(500);
  await ground.sleep(2_000);
  const [id] = cloud.standing();
  assert.ok(id);
  cloud.end(id);
  const ms = await took(at, fleet, ({ counts }) => counts.Failed === 1);
  const [instance] = await user.instances(fleet);
  assertIs('status of the instance', instance?.status, 'Failed');
  assert.ok(instance?.failure, 'the failed instance has no failure');
  assert.ok(ms <= FAILED_MS, `the instance of driver ${driver} failed after ${ms / 1_000} s`);
}

/** A cloud that does not find a new machine by its id for a while has made the machine all the same. */
async function late(at: AtDriver): Promise<void> {
  const { stage, user, site, worlds, driver, cloud } = at;
  const notFound = () =>
    new Response(
      '<Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code><Message>no</Message></Error></Errors></Response>',
      { status: 400 },
    );
  await user.makeNamespace();
  await user.connect('cloud', site);
  // For 20 seconds after the create call, EC2 neither lists the machine nor finds it by id.
  let madeAtMs = Number.POSITIVE_INFINITY;
  const { script } = worlds.aws;
  script.trouble({
    call: 'RunInstances',
    answer: ({ atMs }) => {
      madeAtMs = Math.min(madeAtMs, atMs);
      return undefined;
    },
  });
  const isLate = (atMs: number) => atMs < madeAtMs + 20_000;
  script.trouble({
    call: 'DescribeInstances',
    when: ({ text, atMs }) => isLate(atMs) && text.includes('InstanceId.1='),
    answer: notFound,
  });
  script.trouble({
    call: 'DescribeInstances',
    when: ({ text, atMs }) => isLate(atMs) && !text.includes('InstanceId.1='),
    answer: () => new Response('<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>'),
  });
  const fleet = await stage.create(user.order('web', 'cloud', site, 2));
  await stage.until(fleet.id, ({ status }) => status === 'Running' || status === 'Failed');
  assertIs(`status of the fleet of driver ${driver}`, (await stage.read(fleet.id)).status, 'Running');
  assertIs('number of machines', cloud.standing().length, 2);
  const creates = script.calls('RunInstances').filter(({ status }) => status === 200);
  assertIs('number of create calls', creates.length <= 2, true);
}

/** Before the fix, the worker waited for the end of the consistency window. */
export const f36: FieldCase[] = [
  ...atEveryDriver({
    id: 'F36',
    title: 'a fleet that is deleted soon after it runs ends without waiting for the consistency window',
    play: deleted,
  }),
  ...atEveryDriver({
    id: 'F36-creating',
    title: 'an instance fails soon after its machine was deleted while it was being created',
    options: slowly,
    play: gone,
    // CB-Spider does not notice that a machine ends which it is still starting.
  }).filter(({ id }) => !id.endsWith('cb-spider')),
  ...atEveryDriver({
    id: 'F36-late',
    title: 'a machine that the cloud does not find by id for 20 seconds after its create call comes up',
    play: late,
  }).filter(({ id }) => id.endsWith('-aws')),
];
