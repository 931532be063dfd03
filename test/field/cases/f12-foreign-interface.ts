import assert from 'node:assert/strict';
import { assertIs, assertMet, type FieldCase } from '../harness/case.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import { Ec2World } from '../worlds/ec2/world.ts';
import { refusal } from '../worlds/ec2/xml.ts';

const MINUTE_MS = 60_000;
const ENI = 'eni-0f0e19e1000000001';

/** A network interface that belongs to none of our machines is in the VPC for 15 minutes. */
async function play(mode: 'shared' | 'dedicated'): Promise<void> {
  await inField({ worlds: () => ({ aws: new Ec2World() }) }, async ({ stage, user, worlds, ground }) => {
    const site = SITES.aws;
    await user.makeNamespace();
    await user.connect('cloud', site);
    const fleet = await stage.create(user.order('web', 'cloud', site, 2, { network: { mode } }));
    await stage.until(fleet.id, ({ status }) => status === 'Running');
    const region = worlds.aws.region(site.location);
    region.foreignInterfaces.push({ id: ENI, vpcId: region.partsOf('vpc')[0]?.id ?? '' });
    const askedAtMs = ground.now();
    await stage.remove(fleet.id);
    const told = await stage.until(fleet.id, ({ waiting }) =>
      (waiting ?? []).some(({ tries = 0 }) => tries > 4),
    );
    const [reason] = told.waiting ?? [];
    assertIs('reason', [reason?.why, reason?.resource?.kind], ['removal', 'network']);
    assert.ok(reason?.message.includes(ENI), `the interface is not named: ${reason?.message}`);
    const [network] = await stage.resources(fleet.id);
    assertIs('state of the network', [network?.kind, network?.state], ['network', 'Deleting']);
    assert.ok(network?.stuck?.message.includes(ENI), `the resource does not name the interface`);
    await ground.sleep(askedAtMs + 15 * MINUTE_MS - ground.now());
    const looks = worlds.aws.script.calls('DescribeNetworkInterfaces', askedAtMs).length;
    assert.ok(looks < 20, `${looks} calls in 15 minutes: the delay does not grow`);

    region.foreignInterfaces.length = 0;
    const freedAtMs = ground.now();
    await stage.remove(fleet.id);
    await stage.until(fleet.id, ({ status }) => status === 'Terminated');
    assert.ok(ground.now() < freedAtMs + MINUTE_MS, 'the repeated delete did not try again immediately');
    assertIs('networks at the cloud', region.partsOf('vpc').length, 0);
  });
}

/** A security group of a user refers to the fleet's security group, so that EC2 refuses to delete the latter. */
async function referenced(): Promise<void> {
  await inField({ worlds: () => ({ aws: new Ec2World() }) }, async ({ stage, user, worlds, ground }) => {
    const site = SITES.aws;
    await user.makeNamespace();
    await user.connect('cloud', site);
    const fleet = await stage.create(user.order('web', 'cloud', site, 1));
    await stage.until(fleet.id, ({ status }) => status === 'Running');
    const words = 'resource sg-1 has a dependent object';
    const met = worlds.aws.script.trouble({
      call: 'DeleteSecurityGroup',
      answer: () => refusal(400, 'DependencyViolation', words),
    });
    await stage.remove(fleet.id);
    await stage.until(fleet.id, ({ waiting }) =>
      (waiting ?? []).some(
        ({ resource, message, tries = 0 }) =>
          resource?.kind === 'security-group' && message.includes(words) && tries > 3,
      ),
    );
    met.end();
    const freedAtMs = ground.now();
    await stage.until(fleet.id, ({ status }) => status === 'Terminated');
    assert.ok(ground.now() < freedAtMs + 6 * MINUTE_MS, 'the removal was not tried again within 5 minutes');
    assertMet('refused deletions', met, 4);
  });
}

/** Before the fix, the network was tried every three seconds, and nothing said why. */
export const f12: FieldCase[] = [
  {
    id: 'F12',
    title: 'a network with a foreign interface names the interface, and is tried again with a growing delay',
    play: () => play('shared'),
  },
  {
    id: 'F12-dedicated',
    title:
      'a network of one fleet with a foreign interface names the interface, and is tried again more rarely',
    play: () => play('dedicated'),
  },
  {
    id: 'F12-security-group',
    title: 'a security group that another group refers to says why it cannot be deleted',
    play: referenced,
  },
];
