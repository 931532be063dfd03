import assert from 'node:assert/strict';
import { calmScenario } from '../../chaos/scenario/calm.ts';
import type { FieldCase } from '../harness/case.ts';
import { type AtDriver, atEveryDriver } from '../harness/every-driver.ts';
import type { FieldOptions } from '../harness/field.ts';
import { Ec2World } from '../worlds/ec2/world.ts';
import { OpenStackWorld } from '../worlds/openstack/world.ts';
import { SpiderWorld } from '../worlds/spider/world.ts';

/** Time in ms from Running until answers have the addresses. EC2 leaves out the private address only. */
const ADDRESS_MS = 40_000;
/** Maximum time in ms from then until the instance shows the address: the interval of polls at rest, and a list. */
const SEEN_MS = 75_000;

const { clouds } = calmScenario();
const options: Partial<FieldOptions<AtDriver['worlds']>> = {
  clouds: Object.fromEntries(
    Object.entries(clouds).map(([name, cloud]) => [
      name,
      { ...cloud, addressSeconds: [ADDRESS_MS / 1_000, ADDRESS_MS / 1_000] as [number, number] },
    ]),
  ),
  worlds: (ground) => ({
    aws: new Ec2World({ addressMs: ADDRESS_MS }),
    openstack: new OpenStackWorld({ addressMs: ADDRESS_MS }),
    'cb-spider': new SpiderWorld(ground, { addressMs: ADDRESS_MS }),
  }),
};

async function play({ stage, user, site, ground }: AtDriver): Promise<void> {
  await user.makeNamespace();
  await user.connect('cloud', site);
  const fleet = await stage.create(user.order('web', 'cloud', site, 2));
  await stage.until(fleet.id, ({ status }) => status === 'Running');
  const first = await user.instances(fleet);
  assert.ok(
    first.every(({ privateIp }) => privateIp === undefined),
    `an instance has its private address too early, so the case proves nothing: ${JSON.stringify(first)}`,
  );
  const untilMs = ground.now() + ADDRESS_MS + SEEN_MS;
  for (;;) {
    const instances = await user.instances(fleet);
    if (instances.every(({ privateIp }) => privateIp !== undefined)) return;
    assert.ok(ground.now() < untilMs, `an instance has no private address: ${JSON.stringify(instances)}`);
    await ground.sleep(1_000);
  }
}

/** Before the fix, an instance never got an address that was missing in the first answer with its machine running. */
export const f10: FieldCase[] = atEveryDriver({
  id: 'F10',
  title: 'an instance shows its private address when the cloud reports it some time after Running',
  options,
  play,
});
