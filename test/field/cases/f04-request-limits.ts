import { behind } from '../harness/behind.ts';
import { assertIs, assertMet, type FieldCase } from '../harness/case.ts';
import { allWorlds } from '../harness/every-driver.ts';
import { inField } from '../harness/field.ts';
import { SITES } from '../harness/sites.ts';
import { isSettled } from './denials.ts';

const SITE = SITES.openstack;

function kind(id: string, words: string, code: string, next: 'runs' | 'fails'): FieldCase {
  return {
    id,
    title: `the 403 of Nova “${words}” fails as ${code}, and the connection stays Ready`,
    play: () =>
      inField({ worlds: allWorlds }, async (field) => {
        const { stage, user, worlds } = field;
        await user.makeNamespace();
        await user.connect('cloud', SITE);
        const met = worlds.openstack.script.trouble({
          call: 'POST nova /servers',
          answer: () => Response.json({ forbidden: { code: 403, message: words } }, { status: 403 }),
        });
        const fleet = await stage.create(user.order('web', 'cloud', SITE, 2, { failurePolicy: 'continue' }));
        const ended = await stage.until(fleet.id, isSettled);
        assertIs('the fleet', ended.status, 'Failed');
        assertIs('the failures', [...new Set(ended.failures.map((one) => one.code))], [code]);
        assertMet('refused creates', met);
        met.end();
        const { status, failure } = await user.connection('cloud');
        assertIs('the connection', [status, failure], ['Ready', undefined]);
        const other = await stage.create(user.order('api', 'cloud', SITE, 2, { failurePolicy: 'continue' }));
        const after = await stage.until(other.id, isSettled);
        const expected = next === 'runs' ? ['Running', 2] : ['Failed', 0];
        assertIs('the next fleet', [after.status, after.counts.Running ?? 0], expected);
        assertIs('machines', behind('openstack', field).standing().length, next === 'runs' ? 2 : 0);
      }),
  };
}

/** Before the fix, one fleet with too many metadata items made the connection Failed. */
export const f04: FieldCase[] = [
  kind('F4', 'Maximum number of metadata items exceeds 40', 'InvalidRequest', 'runs'),
  kind('F4-files', 'Personality file limit exceeded', 'InvalidRequest', 'runs'),
  kind(
    'F4-policy',
    "Policy doesn't allow os_compute_api:servers:create to be performed.",
    'Forbidden',
    'fails',
  ),
];
