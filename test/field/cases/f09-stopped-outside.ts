import assert from 'node:assert/strict';
import type { DriverName } from '../../../functions/model/connection.ts';
import type { Instance } from '../../../functions/model/fleet.ts';
import { assertIs, type FieldCase } from '../harness/case.ts';
import { type AtDriver, atEveryDriver } from '../harness/every-driver.ts';

const MINUTE_MS = 60_000;
/** Maximum time in ms until a change is seen at a site with running machines: a minute, and a list call. */
const SEEN_MS = 75_000;
/** The same time at a site that no poll lists: the period of the sweeps, over which the sites are spread. */
const SWEPT_MS = 18 * MINUTE_MS;
const [FIRST, SECOND, THIRD] = ['198.51.100.1', '198.51.100.2', '198.51.100.3'];
/** A type that each driver's world offers, other than the type that the fleet names. */
const OTHER_TYPE: Readonly<Record<DriverName, string>> = {
  sim: 'large',
  aws: 't3.small',
  openstack: 'm1.large',
  'cb-spider': 'mock-vmspec-02',
};

/** Waits until the instance meets the condition. @throws Error if that takes longer than `mostMs` */
async function until(
  { user, ground }: AtDriver,
  fleet: { id: string },
  backendId: string | undefined,
  what: string,
  mostMs: number,
  holds: (instance: Instance) => boolean,
): Promise<Instance> {
  const sinceMs = ground.now();
  for (;;) {
    const instance = (await user.instances(fleet)).find((one) => one.backendId === backendId);
    assert.ok(instance, `no instance has the machine ${backendId}`);
    if (holds(instance)) return instance;
    const passedMs = ground.now() - sinceMs;
    if (passedMs > mostMs)
      throw new Error(`${what}: not seen after ${passedMs / 1_000} s: ${JSON.stringify(instance)}`);
    await ground.sleep(1_000);
  }
}

/** @param size number of instances; with 1, no poll lists the site while the machine is stopped */
function play(size: number): (at: AtDriver) => Promise<void> {
  return async (at) => {
    const { stage, user, site, cloud, ground } = at;
    await user.makeNamespace();
    await user.connect('cloud', site);
    const fleet = await stage.create(user.order('web', 'cloud', site, size));
    await stage.until(fleet.id, ({ status }) => status === 'Running');
    const [hit] = await user.instances(fleet);
    const backendId = hit?.backendId;
    assert.ok(backendId);
    const see = (what: string, mostMs: number, holds: (instance: Instance) => boolean) =>
      until(at, fleet, backendId, what, mostMs, holds);
    const restMs = size > 1 ? SEEN_MS : SWEPT_MS;

    cloud.readdress(backendId, FIRST ?? '');
    await see('another public address', SEEN_MS, ({ publicIp }) => publicIp === FIRST);
    cloud.stop(backendId);
    const stopped = await see('a stop', SEEN_MS, ({ status }) => status === 'Suspended');
    assertIs('public address of the stopped instance', stopped.publicIp, undefined);
    assert.ok(stopped.privateIp, 'the stopped instance has no private address');
    await ground.sleep(2 * MINUTE_MS);
    if (size === 1) {
      const before = cloud.lists();
      await ground.sleep(10 * MINUTE_MS);
      assert.ok(cloud.lists() - before <= 1, `${cloud.lists() - before} lists of a site that is at rest`);
    }
    cloud.start(backendId, SECOND ?? '');
    const again = await see('a start', restMs, ({ status }) => status === 'Running');
    assertIs('public address of the started instance', again.publicIp, SECOND);
    cloud.readdress(backendId, THIRD ?? '');
    await see('another public address after the start', SEEN_MS, ({ publicIp }) => publicIp === THIRD);
    assertIs('machines that were removed', cloud.removals(), 0);
  };
}

async function resized(at: AtDriver): Promise<void> {
  const { stage, user, site, cloud, driver } = at;
  await user.makeNamespace();
  await user.connect('cloud', site);
  const fleet = await stage.create(user.order('web', 'cloud', site, 2));
  await stage.until(fleet.id, ({ status }) => status === 'Running');
  const [hit, other] = await user.instances(fleet);
  assert.ok(hit?.backendId);
  assertIs('type before the change', hit.instanceType, site.instanceType);
  cloud.resize(hit.backendId, OTHER_TYPE[driver]);
  const see = (instance: Instance) => instance.instanceType === OTHER_TYPE[driver];
  await until(at, fleet, hit.backendId, 'another type', SEEN_MS, see);
  const unchanged = (await user.instances(fleet)).find(({ id }) => id === other?.id);
  assertIs('type of the other instance', unchanged?.instanceType, site.instanceType);
}

/** A user removes a machine in the cloud's console. The cloud takes five minutes, and then gives up or not. */
function removed(isGivenUp: boolean): (at: AtDriver) => Promise<void> {
  return async (at) => {
    const { stage, user, site, cloud, ground } = at;
    await user.makeNamespace();
    await user.connect('cloud', site);
    const fleet = await stage.create(user.order('web', 'cloud', site, 2));
    await stage.until(fleet.id, ({ status }) => status === 'Running');
    const [hit] = await user.instances(fleet);
    const backendId = hit?.backendId;
    assert.ok(backendId);
    const see = (what: string, mostMs: number, holds: (instance: Instance) => boolean) =>
      until(at, fleet, backendId, what, mostMs, holds);
    cloud.beginEnd(backendId, 5 * MINUTE_MS);
    const leaving = await see('a removal', SEEN_MS, ({ status }) => status === 'Terminating');
    assertIs('failure of the instance', leaving.failure?.code, 'Vanished');
    if (isGivenUp) {
      cloud.giveUpEnd(backendId);
      const back = await see('the end of the removal', SEEN_MS, ({ status }) => status === 'Running');
      assertIs('failure of the instance that runs again', back.failure, undefined);
      assertIs('removals that the worker requested', cloud.removals(), 0);
      return;
    }
    await ground.sleep(5 * MINUTE_MS);
    await see('the end', SEEN_MS, ({ status }) => status === 'Terminated');
    const [missing] = await user.orphans();
    assertIs('finding about the machine', [missing?.reason, missing?.state], ['missing', 'Vanished']);
  };
}

/** Before the fix, a stopped machine kept its public address, and an instance never got another address. */
export const f09: FieldCase[] = [
  ...atEveryDriver({
    id: 'F9',
    title: 'a stop, a start and a new public address are seen within a minute while another machine runs',
    play: play(2),
  }),
  ...atEveryDriver({
    id: 'F9-alone',
    title: 'a stop and a start are seen by the next sweep at a site where nothing else runs',
    play: play(1),
  }),
  ...atEveryDriver({
    id: 'F9-resized',
    title: 'an instance shows the type of its machine after the machine was resized',
    play: resized,
  }),
  ...atEveryDriver({
    id: 'F9-removed',
    title: 'an instance is Terminating with a reason while its machine is being removed by another user',
    play: removed(false),
  }),
  ...atEveryDriver({
    id: 'F9-not-removed',
    title: 'an instance runs again if the cloud gives up a removal that another user requested',
    play: removed(true),
  }),
];
