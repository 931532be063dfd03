import assert from 'node:assert/strict';
import { assertIs, assertMet, type FieldCase } from '../harness/case.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import { DRY_RUN_STATUS, isDryRun, machinesOfLaunch } from '../harness/zone-of-launch.ts';
import { parametersOf, textAt } from '../worlds/ec2/query.ts';
import { Ec2World } from '../worlds/ec2/world.ts';
import { refusal } from '../worlds/ec2/xml.ts';

const SIZE = 5;
const THROTTLES = 10;
const MINUTE_MS = 60_000;
const WORDS =
  'Account 111111111111 has been throttled on ec2:RunInstances because it exceeded its request rate limit.';

async function play(): Promise<void> {
  await inField({ worlds: () => ({ aws: new Ec2World() }) }, async (field) => {
    const { stage, user, worlds, ground } = field;
    await user.makeNamespace();
    // One zone, so that all launches may share a call.
    await user.connect('cloud', SITES.aws);
    const asked: { machines: number; token: string; atMs: number }[] = [];
    const met = worlds.aws.script.trouble({
      call: 'RunInstances',
      times: THROTTLES,
      when: (one) => {
        if (isDryRun(one)) return false;
        asked.push({
          machines: machinesOfLaunch(one),
          token: textAt(parametersOf(one.text), 'ClientToken'),
          atMs: one.atMs,
        });
        return true;
      },
      answer: () => refusal(503, 'RequestLimitExceeded', WORDS),
    });
    const order = user.order('web', 'cloud', SITES.aws, SIZE);
    const [group] = order.nodeGroups;
    assert.ok(group);
    const nodeGroups = [{ ...group, zone: 'us-east-1b' }];
    const askedAtMs = ground.now();
    const fleet = await stage.create({ ...order, nodeGroups });
    const up = await stage.until(fleet.id, ({ status }) => status !== 'Preparing' && status !== 'Creating');
    assert.equal(up.status, 'Running', JSON.stringify(up.failures));
    assertIs('throttled calls', met.count, THROTTLES);
    assertIs('machines', worlds.aws.standing(ground.now()).length, SIZE);
    const calls = worlds.aws.script
      .calls('RunInstances', askedAtMs)
      .filter(({ status }) => status !== DRY_RUN_STATUS);
    assertIs('calls of RunInstances', calls.length, THROTTLES + 1);
    assertIs(
      'machines in each throttled call',
      asked.map(({ machines }) => machines),
      Array.from({ length: THROTTLES }, () => SIZE),
    );
    assertIs('client tokens of the calls', new Set(asked.map(({ token }) => token)).size, 1);
    const lastMs = calls.at(-1)?.atMs ?? 0;
    const tookMs = lastMs - (asked[0]?.atMs ?? 0);
    assert.ok(tookMs < 2 * MINUTE_MS, `the accepted call followed ${tookMs} ms after the first one`);

    await ground.sleep(lastMs + MINUTE_MS - ground.now());
    const { governor } = await user.limits('cloud');
    const [site] = governor.locations;
    assertIs('create rate a minute later', site?.calls.create?.perSecond, site?.calls.create?.ofPerSecond);
  });
}

/** Maximum number of machines that EC2 takes in one call, in the case of too large calls. */
const MOST_AT_ONCE = 2;

async function playTooMany(): Promise<void> {
  await inField({ worlds: () => ({ aws: new Ec2World() }) }, async (field) => {
    const { stage, user, worlds, ground } = field;
    await user.makeNamespace();
    await user.connect('cloud', SITES.aws);
    const met = worlds.aws.script.trouble({
      call: 'RunInstances',
      when: (one) => machinesOfLaunch(one) > MOST_AT_ONCE,
      answer: () =>
        refusal(
          400,
          'ResourceCountExceeded',
          'You have exceeded the number of resources allowed for this request.',
        ),
    });
    const order = user.order('web', 'cloud', SITES.aws, SIZE);
    const [group] = order.nodeGroups;
    assert.ok(group);
    const fleet = await stage.create({ ...order, nodeGroups: [{ ...group, zone: 'us-east-1b' }] });
    const up = await stage.until(fleet.id, ({ status }) => status !== 'Preparing' && status !== 'Creating');
    assert.equal(up.status, 'Running', JSON.stringify(up.failures));
    assertIs('machines', worlds.aws.standing(ground.now()).length, SIZE);
    assertMet('calls for too many machines', met);
  });
}

/** Before the fix, the batch fell apart into 15 calls for one machine each, 12 seconds apart. */
export const f20: FieldCase[] = [
  {
    id: 'F20',
    title: `a throttled batch of ${SIZE} stays one call with one client token, and the rate is back a minute later`,
    play,
  },
  {
    id: 'F20-too-many',
    title: 'a call for more machines than EC2 takes in one call is split, and all machines run',
    play: playTooMany,
  },
];
