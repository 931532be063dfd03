import { assertIs, assertMet, type FieldCase } from '../harness/case.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import type { Asked } from '../worlds/asked.ts';
import { SpiderWorld } from '../worlds/spider/world.ts';

const WORDS = 'AuthFailure: AWS was not able to validate the provided access credentials';
const A = 'venus';
const B = 'mercury';
const SITE = SITES['cb-spider'];

const refuses = () => Response.json({ message: WORDS }, { status: 500 });

/** Returns true for calls to A. A connection config of CB-Spider has the location at the end of its name. */
function isAtA({ url, text }: Asked): boolean {
  const name = `.${A}`;
  return url.searchParams.get('ConnectionName')?.endsWith(name) === true || text.includes(`${name}"`);
}

/** Brings up a fleet in B, then plays refusals and creates a fleet in A. @returns the connection afterwards */
async function play(isEverywhere: boolean): Promise<void> {
  await inField({ worlds: (ground) => ({ 'cb-spider': new SpiderWorld(ground) }) }, async (field) => {
    const { stage, user, worlds } = field;
    await user.makeNamespace();
    await user.connect('cloud', SITE);
    const met = worlds['cb-spider'].script.trouble({
      call: isEverywhere
        ? /^GET preconfig$|^POST vm$|^GET allvminfo$|^GET vmstatus$/
        : /^(POST|GET) (vm|vmstatus|allvminfo)$/,
      when: isEverywhere ? () => true : isAtA,
      answer: refuses,
    });
    const order = user.order('only-a', 'cloud', SITE, 2, { failurePolicy: 'continue' });
    const nodeGroups = order.nodeGroups.map((group) => ({ ...group, locations: [A] }));
    const fleet = await stage.create({ ...order, nodeGroups });
    await stage.until(fleet.id, ({ status }) => status === 'Failed');
    assertMet('refused calls', met);
    const { status, failure } = await user.connection('cloud');
    const expected = isEverywhere ? ['Failed', 'Unauthorized'] : ['Ready', undefined];
    assertIs('the connection', [status, failure?.code], expected);
    if (isEverywhere) return;
    const other = await stage.create(user.order('only-b', 'cloud', SITE, 2));
    await stage.until(other.id, ({ counts }) => counts.Running === 2);
  });
}

/** Before the fix, one location that is not enabled made the connection Failed. */
export const f02CbSpider: FieldCase[] = [
  {
    id: 'F2-cb-spider',
    title: `a location that answers AuthFailure is denied alone while ${B} accepts the credential (driver cb-spider)`,
    play: () => play(false),
  },
  {
    id: 'F2-cb-spider-everywhere',
    title: 'a connection becomes Failed if the list of regions is refused as well (driver cb-spider)',
    play: () => play(true),
  },
];
