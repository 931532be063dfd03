import assert from 'node:assert/strict';
import { assertIs, assertMet, type FieldCase } from '../harness/case.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import { Ec2World } from '../worlds/ec2/world.ts';
import { refusal } from '../worlds/ec2/xml.ts';

/** Refuses the creates of one fleet. 20 seconds later, another fleet launches the same type. */
function kind(id: string, code: string, words: string, failure: string): FieldCase {
  return {
    id,
    title: `${code} fails the launches of one fleet, and another fleet launches the same type 20 seconds later`,
    play: () =>
      inField({ worlds: () => ({ aws: new Ec2World() }) }, async ({ stage, user, worlds, ground }) => {
        const site = SITES.aws;
        await user.makeNamespace();
        await user.connect('cloud', site);
        const met = worlds.aws.script.trouble({
          call: 'RunInstances',
          answer: () => refusal(400, code, words),
        });
        const first = await stage.create(user.order('first', 'cloud', site, 2));
        const failed = await stage.until(first.id, ({ status }) => status === 'Failed');
        met.end();
        assertMet('refused creates', met);
        const told = JSON.stringify(failed.failures);
        assert.ok(
          told.includes(failure) && told.includes(words),
          `the failures lack the cloud's words: ${told}`,
        );
        await ground.sleep(20_000);
        const second = await stage.create(user.order('second', 'cloud', site, 2));
        const ended = await stage.until(
          second.id,
          ({ status }) => status === 'Running' || status === 'Failed',
        );
        assertIs('status of the second fleet', ended.status, 'Running');
        const { governor } = await user.limits('cloud');
        const reasons = governor.locations.flatMap((location) => location.reasons);
        assertIs(
          'quotas that are shown as used up',
          reasons.filter(({ why }) => why === 'quota'),
          [],
        );
      }),
  };
}

/** Before the fix, the word `LimitExceeded` closed the family of the type, and the second fleet failed. */
export const f17: FieldCase[] = [
  kind('F17', 'TagLimitExceeded', 'The maximum number of Tags for this resource is 50', 'InvalidRequest'),
  kind('F17-filter', 'FilterLimitExceeded', 'The maximum number of filters is 200', 'InvalidRequest'),
  kind(
    'F17-groups',
    'SecurityGroupsPerInterfaceLimitExceeded',
    'The maximum number of security groups per interface has been reached',
    'QuotaExceeded',
  ),
  kind('F17-tomorrow', 'ThingOfTomorrowLimitExceeded', 'You have too many of it', 'QuotaExceeded'),
];
