import assert from 'node:assert/strict';
import { assertIs, assertMet, type FieldCase } from '../harness/case.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import { SpiderWorld } from '../worlds/spider/world.ts';

/** Maximum time in ms until a fleet whose creates are refused has failed. */
const MOST_MS = 30_000;

interface Words {
  text: string;
  code: 'InsufficientCapacity' | 'QuotaExceeded' | 'InvalidRequest';
  /** What is closed for the fleets that follow, with instance type 2. */
  closes?: 'account' | 'addresses';
}

function kind(id: string, { text, code, closes }: Words): FieldCase {
  return {
    id,
    title: `launches fail as ${code} with the cloud's words “${text}”, long before their time limit`,
    play: () =>
      inField({ worlds: (ground) => ({ 'cb-spider': new SpiderWorld(ground) }) }, async (field) => {
        const { stage, user, worlds, ground } = field;
        const site = SITES['cb-spider'];
        const { script } = worlds['cb-spider'];
        await user.makeNamespace();
        await user.connect('cloud', site);
        const answer = () => Response.json({ message: text }, { status: 500 });
        const met = script.trouble({ call: 'POST vm', answer });
        const askedAtMs = ground.now();
        const fleet = await stage.create(user.order('web', 'cloud', site, 2));
        const ended = await stage.until(fleet.id, ({ status }) => status === 'Failed');
        const tookMs = ground.now() - askedAtMs;
        assert.ok(tookMs < MOST_MS, `the fleet failed after ${tookMs} ms; at most ${MOST_MS} ms are allowed`);
        const told = JSON.stringify(ended.failures);
        assert.ok(told.includes(code) && told.includes(text), `the failures lack ${code}: ${told}`);
        assertMet('refused creates', met);
        const before = met.count;
        const other = { ...site, instanceType: 'mock-vmspec-02' };
        const next = await stage.create(user.order('next', 'cloud', other, 1));
        await stage.until(next.id, ({ status }) => status === 'Failed');
        assertIs('creates of another type reach the cloud', met.count > before, closes === undefined);
        const { governor } = await user.limits('cloud');
        const shown = governor.locations.flatMap(({ reasons }) =>
          reasons.flatMap((reason) => (reason.why === 'quota' ? [reason.of] : [])),
        );
        assertIs('quotas that are shown as used up', shown, closes === undefined ? [] : [closes]);
      }),
  };
}

/** Answers two creates with words that no table knows. They differ in a number. */
const unknown: FieldCase = {
  id: 'F19-unknown',
  title: 'words that no table knows are counted for the connection, without the parts that differ each time',
  play: () =>
    inField({ worlds: (ground) => ({ 'cb-spider': new SpiderWorld(ground) }) }, async (field) => {
      const { stage, user, worlds } = field;
      const site = SITES['cb-spider'];
      await user.makeNamespace();
      await user.connect('cloud', site);
      assertIs('words before the first launch', await user.words('cloud'), []);
      let count = 0;
      const answer = () => {
        count += 1;
        return Response.json(
          { message: `the moon is in house ${count} (request 4f1c9a7e)` },
          { status: 500 },
        );
      };
      const met = worlds['cb-spider'].script.trouble({ call: 'POST vm', times: 2, answer });
      const fleet = await stage.create(user.order('web', 'cloud', site, 2));
      await stage.until(fleet.id, ({ status }) => status === 'Running');
      assertMet('creates with unknown words', met, 2);
      const [words, ...others] = await user.words('cloud');
      assertIs('other words', others, []);
      assertIs(
        'shape and number of the words',
        [words?.shape, words?.count],
        ['the moon is in house # (request #)', 2],
      );
      assert.ok(words?.example.includes('the moon is in house'), JSON.stringify(words));
      assertIs('location of the words', words?.location, site.location);
    }),
};

/** Before the fix, no table knew the words, and the creates were repeated until the time limit. */
export const f19: FieldCase[] = [
  kind('F19-azure', { text: 'ERROR CODE: OverconstrainedAllocationRequest', code: 'InsufficientCapacity' }),
  kind('F19-ibm', { text: 'Error: over_capacity, try another zone', code: 'InsufficientCapacity' }),
  kind('F19-alibaba', {
    text: 'ErrorCode: NotEnoughBalance Message: Your account does not have enough balance.',
    code: 'QuotaExceeded',
    closes: 'account',
  }),
  kind('F19-nova', { text: "Flavor's disk is too small for requested image.", code: 'InvalidRequest' }),
  kind('F19-addresses', {
    text: 'ERROR CODE: PublicIPCountLimitReached: Cannot create more than 10 public IP addresses',
    code: 'QuotaExceeded',
    closes: 'addresses',
  }),
  unknown,
];
